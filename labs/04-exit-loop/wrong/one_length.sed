s/^        guest_skip\(\);/        vmwrite(GUEST_RIP, vmread(GUEST_RIP) + 3);/
