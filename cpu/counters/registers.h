// Addresses of the MSRs of performance monitoring, SDM Vol. 4, Table 2-2.
#ifndef CPU_COUNTERS_REGISTERS_H
#define CPU_COUNTERS_REGISTERS_H

enum performance_register {
    MSR_PMC = 0xc1, // the first of IA32_PMCx
    MSR_SELECT = 0x186,
    MSR_FIXED = 0x309,
    MSR_CAPABILITIES = 0x345,
    MSR_FIXED_CONTROL = 0x38d,
    MSR_GLOBAL_STATUS = 0x38e,
    MSR_GLOBAL_CONTROL = 0x38f,
    MSR_STATUS_RESET = 0x390,
    MSR_STATUS_SET = 0x391,
    MSR_IN_USE = 0x392,
    MSR_A_PMC = 0x4c1,
    MSR_LBR_INFO = 0x1200,
    MSR_LBR_CONTROL = 0x14ce,
    MSR_LBR_DEPTH = 0x14cf,
    MSR_LBR_FROM = 0x1500,
    MSR_LBR_TO = 0x1600,
};

#endif
