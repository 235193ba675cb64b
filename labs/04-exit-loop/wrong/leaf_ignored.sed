s/\(uint32_t\)guest.gpr\[RAX\];/0;/
