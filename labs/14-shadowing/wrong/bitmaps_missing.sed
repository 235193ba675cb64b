/vmwrite\(VM(READ|WRITE)_BITMAP/d
