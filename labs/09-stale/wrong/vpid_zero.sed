s/use_vpid\(&first, 1\)/use_vpid(\&first, 0)/
