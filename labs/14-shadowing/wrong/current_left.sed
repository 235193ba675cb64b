/vmptrld\(vmcs01\)/d
