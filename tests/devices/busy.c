// A busy machine; see busy.h.
#include "tests/devices/busy.h"
#include "cpu/processor/observing.h"
#include "devices/machine/machine_boot.h"
#include "tests/decode/random.h"
#include "tests/door.h"
#include "tests/tap.h"

enum { RAM_BYTES = BUSY_RAM, START = 0x8000, DATA = BUSY_DATA };
enum { TICK = START + 0x9d, MESSAGE = START + 0xc3, SERIAL = START + 0xe2, NMI = START + 0xf3, RETURN = START + 0xf7 };

// Real-address mode, all processors: x2APIC on, a stack of its own; the first one starts the 8254 at 1000 Hz, the
// serial port's interrupt, and the others. Then each waits for an interrupt, works a little, and waits again. The
// timer's handler sends a message to all others.
static const uint8_t code[] = {
    0xfa,                               // cli
    0x31, 0xc0,                         // xor ax,ax
    0x8e, 0xd8,                         // mov ds,ax
    0x8e, 0xd0,                         // mov ss,ax
    0x66, 0xb9, 0x1b, 0x00, 0x00, 0x00, // mov ecx,0x1b
    0x0f, 0x32,                         // rdmsr
    0x0d, 0x00, 0x0c,                   // or ax,0xc00
    0x0f, 0x30,                         // wrmsr
    0x66, 0xb9, 0x0f, 0x08, 0x00, 0x00, // mov ecx,0x80f
    0x66, 0xb8, 0xff, 0x01, 0x00, 0x00, // mov eax,0x1ff
    0x66, 0x31, 0xd2,                   // xor edx,edx
    0x0f, 0x30,                         // wrmsr
    0x66, 0xb9, 0x02, 0x08, 0x00, 0x00, // mov ecx,0x802
    0x0f, 0x32,                         // rdmsr
    0xc1, 0xe0, 0x09,                   // shl ax,0x9
    0xbc, 0x00, 0x60,                   // mov sp,0x6000
    0x29, 0xc4,                         // sub sp,ax
    0x66, 0xb9, 0x1b, 0x00, 0x00, 0x00, // mov ecx,0x1b
    0x0f, 0x32,                         // rdmsr
    0xf6, 0xc4, 0x01,                   // test ah,0x1
    0x74, 0x45,                         // je 87 <wait>
    0xb0, 0x11,                         // mov al,0x11
    0xe6, 0x20,                         // out 0x20,al
    0xb0, 0x08,                         // mov al,0x8
    0xe6, 0x21,                         // out 0x21,al
    0xb0, 0x04,                         // mov al,0x4
    0xe6, 0x21,                         // out 0x21,al
    0xb0, 0x01,                         // mov al,0x1
    0xe6, 0x21,                         // out 0x21,al
    0xb0, 0xee,                         // mov al,0xee
    0xe6, 0x21,                         // out 0x21,al
    0xb0, 0x34,                         // mov al,0x34
    0xe6, 0x43,                         // out 0x43,al
    0xb0, 0xa9,                         // mov al,0xa9
    0xe6, 0x40,                         // out 0x40,al
    0xb0, 0x04,                         // mov al,0x4
    0xe6, 0x40,                         // out 0x40,al
    0xba, 0xfc, 0x03,                   // mov dx,0x3fc
    0xb0, 0x08,                         // mov al,0x8
    0xee,                               // out dx,al
    0xba, 0xf9, 0x03,                   // mov dx,0x3f9
    0xb0, 0x01,                         // mov al,0x1
    0xee,                               // out dx,al
    0x66, 0xb9, 0x30, 0x08, 0x00, 0x00, // mov ecx,0x830
    0x66, 0x31, 0xd2,                   // xor edx,edx
    0x66, 0xb8, 0x00, 0x45, 0x0c, 0x00, // mov eax,0xc4500
    0x0f, 0x30,                         // wrmsr
    0x66, 0xb8, 0x08, 0x46, 0x0c, 0x00, // mov eax,0xc4608
    0x0f, 0x30,                         // wrmsr
    0xfb,                               // sti
    0xf4,                               // hlt
    0xb9, 0x2c, 0x01,                   // mov cx,0x12c
    0x03, 0x06, 0x00, 0x06,             // add ax,WORD PTR ds:0x600
    0xd1, 0xc8,                         // ror ax,1
    0xff, 0x06, 0x02, 0x06,             // inc WORD PTR ds:0x602
    0xe2, 0xf4,                         // loop 8c <busy>
    0xa3, 0x00, 0x06,                   // mov ds:0x600,ax
    0xeb, 0xea,                         // jmp 87 <wait>
    0x66, 0x50,                         // push eax
    0x66, 0x51,                         // push ecx
    0x66, 0x52,                         // push edx
    0xff, 0x06, 0x04, 0x06,             // inc WORD PTR ds:0x604
    0xb0, 0x20,                         // mov al,0x20
    0xe6, 0x20,                         // out 0x20,al
    0x66, 0xb9, 0x30, 0x08, 0x00, 0x00, // mov ecx,0x830
    0x66, 0x31, 0xd2,                   // xor edx,edx
    0x66, 0xb8, 0x41, 0x40, 0x0c, 0x00, // mov eax,0xc4041
    0x0f, 0x30,                         // wrmsr
    0x66, 0x5a,                         // pop edx
    0x66, 0x59,                         // pop ecx
    0x66, 0x58,                         // pop eax
    0xcf,                               // iret
    0x66, 0x50,                         // push eax
    0x66, 0x51,                         // push ecx
    0x66, 0x52,                         // push edx
    0xff, 0x06, 0x06, 0x06,             // inc WORD PTR ds:0x606
    0x66, 0xb9, 0x0b, 0x08, 0x00, 0x00, // mov ecx,0x80b
    0x66, 0x31, 0xd2,                   // xor edx,edx
    0x66, 0x31, 0xc0,                   // xor eax,eax
    0x0f, 0x30,                         // wrmsr
    0x66, 0x5a,                         // pop edx
    0x66, 0x59,                         // pop ecx
    0x66, 0x58,                         // pop eax
    0xcf,                               // iret
    0x50,                               // push ax
    0x52,                               // push dx
    0xba, 0xf8, 0x03,                   // mov dx,0x3f8
    0xec,                               // in al,dx
    0x00, 0x06, 0x08, 0x06,             // add BYTE PTR ds:0x608,al
    0xb0, 0x20,                         // mov al,0x20
    0xe6, 0x20,                         // out 0x20,al
    0x5a,                               // pop dx
    0x58,                               // pop ax
    0xcf,                               // iret
    0xff, 0x06, 0x0a, 0x06,             // inc WORD PTR ds:0x60a
    0xcf,                               // iret
};

static struct boot_piece pieces[] = {{0, 1024, 1024, NULL}, {DATA, 256, 0, NULL}, {START, 4096, sizeof code, code}};
static const struct boot_register registers[] = {{REGISTER_CS, 0}, {REGISTER_CS_BASE, 0}, {REGISTER_RIP, START}};
static const struct boot_image image = {.piece = pieces, .pieces = 3, .reg = registers, .registers = 3};

struct machine *busy_machine(unsigned cpus) {
    static uint32_t vectors[256];
    struct machine_config config;
    char error[200];
    for (unsigned i = 0; i < 256; i++) vectors[i] = RETURN;
    vectors[2] = NMI, vectors[8] = TICK, vectors[12] = SERIAL, vectors[0x41] = MESSAGE;
    pieces[0].data = vectors;
    machine_config_default(&config);
    config.model = *cpu_model_at(0);
    config.model.preemption_timer_rate = BUSY_TIMER_RATE;
    config.ram_bytes = RAM_BYTES;
    config.cpus = cpus;
    struct machine *m = machine_new(&config, error, sizeof error);
    if (!m || !machine_boot(m, &image)) bail("no machine: %s", error);
    return m;
}

void busy_stop(void *context, struct cpu *cpu, const struct sight *sight) {
    (void)sight;
    if (random_below(context, 4) == 0) cpu_stop(cpu);
}

// Something from outside, of any kind; what is refused leaves no trace.
void busy_input(struct machine *m, uint64_t *random) {
    uint64_t r = random64(random), value = random64(random) >> 20; // canonical
    unsigned cpu = (unsigned)(r >> 8) % machine_configuration(m)->cpus;
    const uint8_t text[3] = {(uint8_t)value, 2, 3};
    const struct input offer = {.kind = INPUT_SERIAL, .bytes = 1 + (uint32_t)(r >> 16 & 1), .data = text};
    const struct input msr = {.kind = INPUT_MSR, .unit = (uint8_t)cpu, .where = 0xc0000102, .bytes = 8, .data = &value};
    const struct key_event press = {KEY_a, value & 1, value >> 1 & 7};
    const struct input key = {.kind = INPUT_KEY, .bytes = sizeof press, .data = &press};
    const struct pointer_event move = {(int16_t)value, 3, 1, value & 7, {0, 0}};
    const struct input pointer = {.kind = INPUT_POINTER, .bytes = sizeof move, .data = &move};
    switch (r % 12) {
    case 0: (void)machine_offer(m, &offer); break;
    case 1: (void)alter_serial(m, 0, (uint8_t)value); break;
    case 2: (void)alter(m, INPUT_NMI, cpu, 0); break;
    case 3: (void)alter(m, INPUT_INTERRUPT, cpu, 0x41); break;
    case 4: (void)machine_set_register(m, cpu, REGISTER_RBX, value); break;
    case 5: (void)machine_set_register(m, cpu, REGISTER_RBP, value); break;
    case 6: (void)machine_set_memory(m, DATA + value % 16, text, sizeof text); break;
    case 7: (void)machine_alter(m, &msr); break;
    case 8: (void)(value & 8 ? machine_alter(m, &key) : machine_offer(m, &key)); break;
    case 9: (void)machine_alter(m, &pointer); break;
    case 10:
        if ((r >> 20) % 16 == 0) (void)alter(m, INPUT_INIT, cpu, 0);
        break;
    default:
        if ((r >> 20) % 16 == 0) alter_reset(m);
        if ((r >> 20) % 16 == 1) (void)alter(m, INPUT_TIMING, 0, (r >> 30) % 3);
        break;
    }
}
