s/^        reflect\(address\).*/        guest_skip();/
