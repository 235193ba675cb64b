/vmwrite\(CR4_MASK/d
