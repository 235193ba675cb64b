/vmcs_ept/d
