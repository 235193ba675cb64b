s/    guest_enter/    guest.launched = false;\n&/
