/vmwrite\(CR4_MASK/d; /vmwrite\(CR4_SHADOW/d
