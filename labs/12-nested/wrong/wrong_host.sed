s/== TYPE_GUEST\) vmwrite/== TYPE_GUEST || FIELD_TYPE(field_at(i)) == TYPE_HOST) vmwrite/; s/    vmwrite\(VMCS_LINK_POINTER, ~0ull\);/&\n    vmwrite(HOST_CR3, 0);/
