/vmwrite\(GUEST_IDTR_LIMIT/s/0x3ff/0x1f/
