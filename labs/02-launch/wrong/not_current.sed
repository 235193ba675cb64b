s/if \(!vmptrld/if (!vmptrld(guest.vmcs) || !vmclear/
