s/vmcs_guest\(guest_code/vmcs_guest(NULL/
