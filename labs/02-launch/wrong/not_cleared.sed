/vmclear/d
