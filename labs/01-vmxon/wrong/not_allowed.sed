s/^    allow_vmx.*//; /^static void allow_vmx/,/^}/d
