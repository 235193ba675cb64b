s/    map\(at, .*/&\n    guest_skip();/
