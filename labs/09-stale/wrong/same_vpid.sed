s/use_vpid\(&second, 2\)/use_vpid(\&second, 1)/
