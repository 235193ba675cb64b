s/    if \(guest_enter/    guest.launched = true;\n&/
