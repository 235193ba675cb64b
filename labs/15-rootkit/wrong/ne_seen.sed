/vmwrite\(CR0_MASK/d
