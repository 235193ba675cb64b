// The names that expressions know: register.def, VMCS fields, MSRs, exit reasons, and symbols.
#include "devices/machine/machine_input.h"
#include "cpu/processor/register.h"
#include "monitor/explain/fact.h"
#include "monitor/expression/expression.h"
#include "monitor/explain/msr_name.h"
#include "monitor/symbols/symbols.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/memory/mode.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

static uint64_t information(const struct view *v, enum vmcs_field field) {
    uint64_t value = 0;
    (void)vmx_vmcs_read(v->cpu, vmx_current_vmcs(v->cpu), field, &value);
    return value;
}
static bool saw_event(const struct view *v) {
    return v->sight && (v->sight->kind == OBSERVE_EXCEPTION || v->sight->kind == OBSERVE_INTERRUPT ||
                        v->sight->kind == OBSERVE_EVENT_INJECTED);
}

// The steps of a processor in the middle of a block are not settled.
static uint64_t step_of(const struct view *v) {
    uint64_t steps = machine_steps(v->machine);
    return v->in_sight ? steps - v->cpu->time.steps + v->sight->step : steps;
}

#define info(F) information(v, FIELD_##F)

#define REGISTER(id, name, where, bits, value, set)                                                                    \
    static uint64_t get_##id(const struct view *v, const struct cpu *cpu) {                                            \
        (void)v, (void)cpu;                                                                                            \
        return value;                                                                                                  \
    }
#include "monitor/expression/register.def"
#undef REGISTER

// What a register of the machine becomes when one of these names is set.
struct setting {
    bool allowed;
    enum register_number number;
    uint64_t value;
};
#define SET(id, new_value)                                                                                             \
    return (struct setting) { true, REGISTER_##id, new_value }
#define READ_ONLY                                                                                                      \
    return (struct setting) { .allowed = false }
#define REGISTER(id, name, where, bits, get, set)                                                                      \
    static struct setting set_##id(const struct cpu *cpu, uint64_t value) {                                            \
        (void)cpu, (void)value;                                                                                        \
        set;                                                                                                           \
    }
#include "monitor/expression/register.def"
#undef REGISTER

enum where { ANY_LEVEL, LIVE_LEVEL, EXIT_LEVEL, SEEN_LEVEL };
static const struct {
    const char *name;
    enum where where;
    uint8_t bits;
    uint64_t (*get)(const struct view *view, const struct cpu *cpu);
    struct setting (*set)(const struct cpu *cpu, uint64_t value);
} registers[] = {
#define REGISTER(id, name, where, bits, value, set) {name, where##_LEVEL, bits, get_##id, set_##id},
#include "monitor/expression/register.def"
#undef REGISTER
};
enum { REGISTERS = sizeof registers / sizeof *registers };

static struct name number(uint64_t value) { return (struct name){NAME_NUMBER, value}; }

static struct name find_msr(const char *text) {
    const struct msr_name *msr;
    for (unsigned i = 0; (msr = msr_name_at(i)); i++)
        if (strcasecmp(msr->name, text) == 0) return (struct name){NAME_MSR, msr->address};
    return (struct name){NAME_NONE, 0};
}

struct name name_find(const struct look *look, const char *text, bool symbols) {
    uint64_t address;
    for (unsigned i = 0; i < REGISTERS; i++)
        if (strcasecmp(registers[i].name, text) == 0) return (struct name){NAME_REGISTER, i};
    for (unsigned i = 0; i < VMX_REASONS; i++)
        if (vmx_exit_name(i) && strcasecmp(vmx_exit_name(i), text) == 0) return number(i);
    int field = vmx_field_find(text);
    if (field >= 0) return (struct name){NAME_FIELD, (uint64_t)field};
    struct name msr = find_msr(text);
    if (msr.kind != NAME_NONE || !symbols) return msr;
    const struct cpu *cpu = look_cpu(look);
    int level = look->level >= 0 || !cpu->wire.extension ? look->level : (int)vmx_level(cpu);
    if (symbols_value(look->symbols, level, text, &address)) return number(address);
    return (struct name){NAME_NONE, 0};
}

static bool wrong(char *error, size_t size, const char *name, const char *what) {
    snprintf(error, size, "%s: %s", name, what);
    return false;
}

bool name_value(const struct view *view, enum name_kind kind, uint64_t index, uint64_t *value, char *error,
                size_t error_size) {
    struct vmx_field field;
    if (kind == NAME_FIELD) {
        uint64_t vmcs = view->level ? view->vmcs : vmx_current_vmcs(view->cpu);
        if (vmx_vmcs_read(view->cpu, vmcs, (unsigned)index, value)) return true;
        (void)vmx_field((unsigned)index, &field);
        return wrong(error, error_size, field.name, "there is no VMCS to read it from");
    }
    if (kind == NAME_MSR) {
        if (view->source != VIEW_LIVE)
            return wrong(error, error_size, msr_name((uint32_t)index),
                         "that level does not run now: its MSRs are not known");
        if (msr_peek(view->machine, view->cpu, (uint32_t)index, value)) return true;
        return wrong(error, error_size, msr_name((uint32_t)index), "the processor does not have it");
    }
    if (registers[index].where == LIVE_LEVEL && view->source != VIEW_LIVE)
        return wrong(error, error_size, registers[index].name,
                     "that level does not run now, and a VMCS does not hold it");
    if (registers[index].where == EXIT_LEVEL && vmx_current_vmcs(view->cpu) == VMX_NO_VMCS)
        return wrong(error, error_size, registers[index].name, "there is no current VMCS");
    if (registers[index].where == SEEN_LEVEL && !view->sight)
        return wrong(error, error_size, registers[index].name,
                     "nothing was seen just now that has one (catch and watch see things)");
    *value = registers[index].get(view, view->cpu);
    return true;
}

static bool set_waiting(const struct view *view, const struct name *name, uint64_t value, char *error, size_t size) {
    if (name->kind == NAME_MSR)
        return wrong(error, size, msr_name((uint32_t)name->value),
                     "that level does not run now: its MSRs are not known");
    if (registers[name->value].where != ANY_LEVEL && registers[name->value].where != LIVE_LEVEL)
        return wrong(error, size, registers[name->value].name, "it can only be read");
    return view_set_waiting(view, registers[name->value].name, value, error, size);
}

static bool change_register(const struct view *view, unsigned index, uint64_t value, char *error, size_t size) {
    const struct setting set = registers[index].set(view->cpu, value);
    if (!set.allowed) return wrong(error, size, registers[index].name, "it can only be read");
    return machine_set_register(view->machine, view->cpu->id, set.number, set.value) ||
           wrong(error, size, registers[index].name, "some of these bits cannot be set");
}

static bool change_msr(const struct view *view, uint32_t address, uint64_t value, char *error, size_t size) {
    const struct input input = {
        .kind = INPUT_MSR, .unit = (uint8_t)view->cpu->id, .where = address, .bytes = sizeof value, .data = &value};
    return machine_alter(view->machine, &input) ||
           wrong(error, size, msr_name(address), "the processor does not take this value: WRMSR of it is #GP(0)");
}

bool name_set(const struct view *view, const struct name *name, uint64_t value, char *error, size_t error_size) {
    if (name->kind == NAME_FIELD) return view_set_field(view, (unsigned)name->value, value, error, error_size);
    if (name->kind != NAME_REGISTER && name->kind != NAME_MSR)
        return wrong(error, error_size, "set", "registers, MSRs and VMCS fields can be set, nothing else");
    if (view->source != VIEW_LIVE) return set_waiting(view, name, value, error, error_size);
    return name->kind == NAME_MSR ? change_msr(view, (uint32_t)name->value, value, error, error_size)
                                  : change_register(view, (unsigned)name->value, value, error, error_size);
}

static bool register_place(const struct view *view, unsigned index, struct place *place) {
    const struct setting set = registers[index].set(view->cpu, 0);
    const char *name = registers[index].name;
    bool second_byte = registers[index].bits == 8 && name[1] == 'h' && !name[2];
    struct register_row row;
    if (!set.allowed || !register_row(set.number, &row)) return false;
    unsigned bytes = registers[index].bits / 8;
    *place = (struct place){.space = PLACE_REGISTER,
                            .level = (uint8_t)view->level,
                            .processor = (uint8_t)view->cpu->id,
                            .bytes = (uint8_t)(bytes < row.bytes ? bytes : row.bytes),
                            .address = row.offset + second_byte};
    return true;
}

uint64_t name_sights(const struct name *name) {
    const uint64_t switches = BIT(OBSERVE_EXIT) | BIT(OBSERVE_ENTRY) | BIT(OBSERVE_FAILED_ENTRY);
    if (name->kind != NAME_REGISTER) return 0;
    const char *text = registers[name->value].name;
    bool level = registers[name->value].where == EXIT_LEVEL || !strcmp(text, "level") || !strcmp(text, "non_root");
    return level ? switches | BIT(OBSERVE_VMX_INSTRUCTION) | BIT(OBSERVE_VMWRITE) : 0;
}

bool name_is_of_sight(const struct name *name) {
    return name->kind == NAME_REGISTER && registers[name->value].where == SEEN_LEVEL;
}

bool name_is_of_level(const struct view *view, const struct name *name) {
    if (name->kind != NAME_REGISTER) return name->kind == NAME_MSR;
    enum where where = registers[name->value].where;
    return (where == ANY_LEVEL || where == LIVE_LEVEL) && registers[name->value].set(view->cpu, 0).allowed;
}

bool name_place(const struct view *view, const struct name *name, struct place *place, char *error, size_t size) {
    if (name->kind == NAME_FIELD) {
        *place = place_of_field(view->level ? view->vmcs : vmx_current_vmcs(view->cpu), (unsigned)name->value);
        place->processor = (uint8_t)view->cpu->id;
        return place->vmcs != VMX_NO_VMCS ||
               wrong(error, size, "VMCS fields", "the level has no VMCS at this moment; name one: vmcs:ADDRESS:FIELD");
    }
    if (name->kind == NAME_MSR) {
        *place = (struct place){.space = PLACE_MSR,
                                .level = (uint8_t)view->level,
                                .processor = (uint8_t)view->cpu->id,
                                .bytes = 8,
                                .address = name->value};
        return view->source == VIEW_LIVE || wrong(error, size, msr_name((uint32_t)name->value),
                                                  "that level does not run now: its MSRs are not known");
    }
    if (name_is_of_sight(name))
        return wrong(error, size, registers[name->value].name,
                     "only catch and watch see it: catch it with a condition, then reverse-continue");
    bool live = view->source == VIEW_LIVE;
    const char *text = registers[name->value].name;
    if (live ? register_place(view, (unsigned)name->value, place) : view_waiting_place(view, text, place)) return true;
    return wrong(error, size, text,
                 live ? "it is worked out from other values: ask about those"
                      : "that level does not run now, and a VMCS does not hold it");
}

const char *name_at(unsigned index) {
    struct vmx_field field;
    if (index < REGISTERS) return registers[index].name;
    index -= REGISTERS;
    if (vmx_field(index, &field)) return field.name;
    index -= FIELD_COUNT;
    if (index < VMX_REASONS) return vmx_exit_name(index) ? vmx_exit_name(index) : "";
    index -= VMX_REASONS;
    return msr_name_at(index) ? msr_name_at(index)->name : NULL;
}

// --- help ---

static void list_registers(const struct look *look, const char *title, enum where where) {
    unsigned column = 0;
    print(look, "%s", title);
    for (unsigned i = 0; i < REGISTERS; i++) {
        if (registers[i].where != where) continue;
        print(look, column % 12 ? " %s" : "\n    %s", registers[i].name);
        column++;
    }
    print(look, "\n");
}

void expression_help(const struct look *look) {
    print(
        look,
        "[@LEVEL:]EXPRESSION: as in C, over unsigned numbers of 64 bits, in the state of a level.\n"
        "Operators by rank: ?:  ||  &&  |  ^  &  == !=  < <= > >=  << >>  + -  * / %%  and before an operand: - ! ~ *\n"
        "Numbers: 10, 20M (k, M, G, T are thousands, millions and so on), 0x1f, 0b101; $ and $N are values that print "
        "gave\n"
        "Memory: u32[rsp + 8] or *(u32*)(rsp + 8), of u8 u16 u32 u64 or s8 s16 s32 (with a sign); [rsp] has 8 bytes;\n"
        "    u8[gpa:0x1000] is guest-physical, u8[phys:0x1000] physical memory\n"
        "VMCS fields (GUEST_RIP), MSRs (IA32_EFER), exit reasons (EPT_VIOLATION), symbols ('when.it is odd')\n");
    list_registers(look, "Of each level:", ANY_LEVEL);
    list_registers(look, "Of the processor:", LIVE_LEVEL);
    list_registers(look, "Of the last VM exit:", EXIT_LEVEL);
    list_registers(look, "Of what catch or watch just saw:", SEEN_LEVEL);
}
