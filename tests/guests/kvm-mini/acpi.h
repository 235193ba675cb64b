// The ACPI tables of the machine that boots Linux, and the ports they speak of.
#ifndef KVM_MINI_ACPI_H
#define KVM_MINI_ACPI_H
#include <stdint.h>

#define ACPI_ADDRESS 0xf0000 // guest-physical; the RSDP is first
#define ACPI_BYTES 0x1000

#define PM_EVENT_PORT 0x600   // PM1a_STS, PM1a_EN
#define PM_CONTROL_PORT 0x604 // PM1a_CNT
#define PM_IRQ 9
#define PM_SLEEP_OFF 5 // SLP_TYP of S5
#define RESET_PORT 0xcf9
#define RESET_VALUE 6

void acpi_write(uint8_t *out, unsigned processors);
#endif
