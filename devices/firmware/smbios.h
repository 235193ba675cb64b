// What SMBIOS says of the machine, as files for firmware.
#ifndef DEVICES_SMBIOS_H
#define DEVICES_SMBIOS_H
#include "devices/firmware/fw_cfg.h"

enum { SMBIOS_VALUE = 96 };        // bytes of a value, with its end
#define SMBIOS_FILE "board/smbios" // among the configuration's files: lines of TYPE.KEY=VALUE, and a zero

struct smbios_config {
    const char *asked;            // such lines; NULL: none
    const char *product;          // the machine's name
    const char *brand;            // the processor's
    uint32_t signature, features; // CPUID leaf 1: EAX, EDX
    uint32_t cpus, megahertz;
    uint64_t low_bytes, high_bytes; // of RAM, below and above 4 GBytes
};
bool smbios_key_is_known(const char *line);
// etc/smbios/smbios-anchor and etc/smbios/smbios-tables.
void smbios_add(struct fw_cfg *fw, const struct smbios_config *config);

#endif
