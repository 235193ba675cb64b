#!/bin/bash
# A device is one file and one row: a new one is put into a copy of the tree, built there, and is found in the help, on
# PCI, in ACPI, in the state, and works; nothing else in the copy is changed.
. "$(dirname "$0")/../claim.bash"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Sources by links, objects by copies that keep their dates: only what the new file concerns is built.
mkdir -p "$work/$O"
for part in Makefile */; do [[ $part == @(o|devices)/ ]] || ln -s "$PWD/${part%/}" "$work/${part%/}"; done
cp -as "$PWD/devices" "$work/devices"
cp -a "$O/obj" "$O/gen" "$O/flags" "$O/core.list" "$work/$O"

cat >"$work/devices/pci/sample.c" <<'C'
// A device of a test: two registers, of which one counts and interrupts, in memory; the other one in ports.
#include "devices/bus/aml.h"
#include "devices/bus/dma.h"
#include "devices/pci/function.h"
#include "devices/timer/clock.h"

struct sample {
    uint32_t count, late;
    // wiring
    uint32_t step, room;
    uint64_t size;
    uint8_t loud;
    char label[8];
    struct device_host *host;
    unsigned timer;
};
static const struct state_field fields[] = {STATE_ONE(struct sample, count), STATE_ONE(struct sample, late)};
static const struct state_table sample_state = STATE_TABLE("sample", fields);

static const struct device_option options[] = {
    DEVICE_OPTION(struct sample, step, "N", NUMBER, 3, 1, 10, "what a write adds, 1 to 10"),
    DEVICE_OPTION(struct sample, room, "N", POWER, 16, 16, 64, "16, 32 or 64"),
    DEVICE_OPTION(struct sample, size, "SIZE", SIZE, 4096, 1, 1 << 20, "a size up to 1M"),
    DEVICE_OPTION(struct sample, loud, "on|off", SWITCH, 0, 0, 1, "on or off"),
    DEVICE_OPTION(struct sample, label, "TEXT", TEXT, 0, 0, 7, "a word of up to 7 letters"),
};

static uint64_t sample_read(void *chip, unsigned space, uint64_t offset, unsigned size) {
    (void)size;
    const struct sample *s = chip;
    if (space == 1) return s->size;
    return offset == 0 ? s->count : offset == 4 ? s->late : offset == 8 ? s->room : (uint64_t)s->loud << 8 | (uint8_t)s->label[0];
}
static void sample_write(void *chip, unsigned space, uint64_t offset, unsigned size, uint64_t value) {
    (void)offset, (void)size;
    struct sample *s = chip;
    if (space) return;
    s->count += s->step;
    device_interrupt(s->host, 0, value & 1);
    clock_arm(s->host->clock, s->timer, clock_now(s->host->clock) + 100);
    if (value == 0x99) (void)dma_write(&s->host->master, 0x3000, "dma", 4);
}
static void sample_reset(void *chip) { ((struct sample *)chip)->count = 0, ((struct sample *)chip)->late = 0; }
static void sample_late(void *chip) { ((struct sample *)chip)->late++; }
static void sample_describe(const void *chip, struct aml *aml) {
    (void)chip;
    aml_device_id(aml, "SMPL", "PNP0501");
    aml_end(aml);
}
static const char *sample_create(void *chip, struct device_host *host) {
    struct sample *s = chip;
    if (s->step == 7) return "step is not 7";
    s->host = host;
    s->timer = clock_timer_new(host->clock, sample_late, s);
    return NULL;
}

static const struct pci_capability capabilities[] = {
    {.id = 0x09, .bytes = 4, .initial = (const uint8_t[]){6, 0x11, 0x22, 0x33}, .writable = (const uint8_t[]){0, 0, 0xff, 0}},
    {.id = 0x05, .bytes = 2, .initial = (const uint8_t[]){0x80, 0}, .writable = (const uint8_t[]){1, 0}},
};
static const struct pci_identity identity = {
    .vendor = 0x1234, .device = 0x5678, .class = 0xff, .command = 3, .pin = 1,
    .bar = {{.bytes = 4096, .widths = WIDTH_4}, {.bytes = 16, .widths = WIDTH_4, .kind = PCI_PORTS}}, .capability = capabilities, .capabilities = 2};

DEVICE(sample) = {.name = "sample",
                  .help = "counts, for a test",
                  .read = sample_read,
                  .write = sample_write,
                  .reset = sample_reset,
                  .state = &sample_state,
                  .describe = sample_describe,
                  .bytes = sizeof(struct sample),
                  .option = options,
                  .options = sizeof options / sizeof *options,
                  .function = &identity,
                  .create = sample_create};
C

build() { (cd "$work" && env -u MAKEFLAGS -u MAKELEVEL make -s O="$O" CC="${CC:-gcc}" SAN="${SAN:-}" COV="${COV:-}" "$@") 2>&1; }
said=$(build all "$O/tests/devices/tool_device_row")
[[ $? == 0 && -x $work/$O/vmxray ]]
claim $? "one new file, and the tree builds" "$said"
vmxray=$work/$O/vmxray

out=$("$vmxray" -device help)
[[ $out == *'name "sample", bus PCI: counts, for a test'* && $out == *'"pci-testdev"'* ]]
claim $? "-device help lists it" "$out"
out=$("$vmxray" -device sample,help)
[[ $out == *'step=N'*'what a write adds, 1 to 10 (default 0x3)'* && $out == *'loud=on|off'*'(default off)'* && $out == *addr=* ]]
claim $? "-device sample,help lists its options" "$out"

refused() { # TEXT MESSAGE
	out=$("$vmxray" -kernel /dev/null -device "$1" 2>&1)
	[[ $? != 0 && $out == *"$2"* ]]
	claim $? "-device $1 is refused" "$out"
}
refused sample,step=11 'step is what a write adds, 1 to 10'
refused sample,step=0 'step is'
refused sample,step=2x 'step is'
refused sample,room=48 'room is 16, 32 or 64'
refused sample,size=2M 'size is a size up to 1M'
refused sample,loud=1 'loud is on or off'
refused sample,label=overlong 'label is a word of up to 7 letters'
refused sample,addr=20 'addr is a device number from 0 to 1f, hexadecimal, and .N for function N'
refused sample,other=1 'sample takes'

"$work/$O/tests/devices/tool_device_row" | grep -v "^1\.\."
