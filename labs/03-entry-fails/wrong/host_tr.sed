s/vmwrite\(HOST_TR_SELECTOR, 0x18\)/vmwrite(HOST_TR_SELECTOR, 0)/
