s/vmwrite\(VMCS_LINK_POINTER, ~0ull\)/vmwrite(VMCS_LINK_POINTER, 0)/
