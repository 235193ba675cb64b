// What kvm-mini and its guests agree on: ports, jobs, reports.
#ifndef KVM_MINI_PROTOCOL_H
#define KVM_MINI_PROTOCOL_H

#define GUEST_LOAD 0x8000       // where a guest's image is put, and where it starts, in real mode
#define GUEST_MEMORY (16 << 20) // bytes from guest-physical address 0
#define MMIO_BASE 0xd0000000    // guest-physical addresses with nothing behind them
#define MMIO_BYTES 0x1000
#define APIC_BASE_ADDRESS 0xfee00000

#define PORT_CONSOLE 0xe9    // out 8: a character
#define PORT_PARAMETER 0x500 // in 32: the next parameter: the job, then the seed
#define PORT_WHAT 0x504      // out 32: which report the next value belongs to
#define PORT_VALUE 0x508     // out 32: its value
#define PORT_DONE 0x50c      // out 32: the guest is done
#define PORT_SQUARE 0x600    // out 16: the real-mode guest's squares

#define VECTOR_TIMER 0x40
#define VECTOR_INJECTED 0x50
#define HALTS 3
#define MMIO_READS 4
#define ONE_SHOTS 5
#define TICKS 10
#define PRIMES_BELOW 20000
#define CRC_BYTES 65536

#ifndef __ASSEMBLER__
enum job { JOB_COMPUTE = 1, JOB_TIMER = 2 };

enum report {
    REPORT_CRC,
    REPORT_PRIMES,
    REPORT_CR0,
    REPORT_EFER,
    REPORT_UD_COUNT,
    REPORT_PF_COUNT,
    REPORT_PF_ADDRESS,
    REPORT_CPUID_VENDOR, // EBX of leaf 0
    REPORT_SSE,
    REPORT_MMIO_READ, // and the three after it
    REPORT_INJECTED = REPORT_MMIO_READ + MMIO_READS,
    REPORT_APIC_VERSION,
    REPORT_ONE_SHOTS,
    REPORT_COUNTING,
    REPORT_TICKS,
    REPORT_TICKS_AFTER_STOP,
    REPORT_TSC_FORWARD,
    REPORTS
};
#endif
#endif
