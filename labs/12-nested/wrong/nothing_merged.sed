s/    case EXIT_VMRESUME: merge\(\)/    case EXIT_VMRESUME: tell(CF)/
