// The MSR areas of VM entry and VM exit. SDM Vol. 3C, 24.7.2, 24.8.2, 26.4, 27.4, 27.6.
#include "vmx/exit/exit.h"
#include "cpu/system/msr.h"

// An entry: index in bits 31:0, 0 in bits 63:32, data in bits 127:64. Table 24-14.
enum { ENTRY_BYTES = 16, DATA_OFFSET = 8, ENTRY_WORK = 20 };
enum { MSR_FS_BASE = 0xc0000100u, MSR_GS_BASE = 0xc0000101u, MSR_SMM_MONITOR_CTL = 0x9b, MSR_SMBASE = 0x9e };
// More entries than IA32_VMX_MISC recommends may give undefined behaviour: processing stops there.

static bool x2apic(uint64_t index) { return index >> 8 == 0x8; }

uint64_t msr_area_load(struct cpu *cpu, uint64_t address, uint64_t count) {
    if (count > MSR_AREA_MAX) count = MSR_AREA_MAX;
    cpu_work(cpu, ENTRY_WORK * (int64_t)count);
    for (uint64_t i = 0; i < count; i++, address += ENTRY_BYTES) {
        uint64_t index = physical_load(cpu, address, 64);
        if (index >> 32 || index == MSR_FS_BASE || index == MSR_GS_BASE || x2apic(index) ||
            index == MSR_SMM_MONITOR_CTL)
            return i + 1;
        uint64_t value = physical_load(cpu, address + DATA_OFFSET, 64);
        if (msr_write(cpu, NULL, (uint32_t)index, value) != OUT_OK) return i + 1;
    }
    return 0;
}

// The TSC is stored without the offset and the multiplier.
bool msr_area_store(struct cpu *cpu, uint64_t address, uint64_t count) {
    cpu->intercepts.tsc_offset = cpu->intercepts.tsc_multiplier = 0;
    if (count > MSR_AREA_MAX) count = MSR_AREA_MAX;
    cpu_work(cpu, ENTRY_WORK * (int64_t)count);
    for (uint64_t i = 0; i < count; i++, address += ENTRY_BYTES) {
        uint64_t index = physical_load(cpu, address, 64), value = 0;
        if (index >> 32 || x2apic(index) || index == MSR_SMBASE) return false;
        if (msr_read(cpu, NULL, (uint32_t)index, &value) != OUT_OK) return false;
        physical_store(cpu, address + DATA_OFFSET, 64, value);
    }
    return true;
}
