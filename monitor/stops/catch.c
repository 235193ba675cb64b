// catch: stops at what the processor does; the rows are in catch.def.
#include "monitor/stops/stops.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum argument { NOTHING, REASON, INSTRUCTION, NUMBER, FIELD_NAME, LEVEL, VECTOR, INVEPT, INVVPID, PAGE, FLUSH };
static const struct row {
    const char *name;
    uint64_t sights;
    enum argument argument;
    uint64_t last; // number that can be
    const char *help;
} rows[] = {
#define SEEN(kind) BIT(OBSERVE_##kind)
#define FIELD FIELD_NAME
#define CATCH(name, sights, argument, last, help) {name, sights, argument, last, help},
#include "monitor/stops/catch.def"
#undef CATCH
#undef FIELD
};
enum { ROWS = sizeof rows / sizeof *rows };

const char *catch_name(unsigned index) { return index < ROWS ? rows[index].name : NULL; }
const char *catch_text(unsigned index) { return rows[index].help; }

static bool number_is(struct stop *stop, struct cpu *cpu, const struct sight *sight) {
    (void)cpu;
    return sight->number == stop->number_wanted;
}

// Delivered, or taken by a VM exit, whose interruption information says which it was.
static bool exception_is(struct stop *stop, struct cpu *cpu, const struct sight *sight) {
    enum { NMI = 2 };
    (void)cpu;
    uint32_t vector = sight->number;
    if (sight->kind == OBSERVE_EXIT) {
        if (sight->number != EXIT_EXCEPTION_NMI || (sight->old >> 8 & 7) == NMI) return false;
        vector = sight->old & 0xff;
    }
    return !stop->has_number || vector == stop->number_wanted;
}

static bool reason_is(struct stop *stop, struct cpu *cpu, const struct sight *sight) {
    (void)cpu;
    return (sight->number & UINT16_MAX) == stop->number_wanted;
}

// An exit leads to level 0, an entry to the level that runs now.
static bool level_is(struct stop *stop, struct cpu *cpu, const struct sight *sight) {
    return stop->number_wanted == (sight->kind == OBSERVE_EXIT ? 0 : vmx_level(cpu));
}

static bool list(struct monitor *monitor) {
    print(monitor, "catch what?\n");
    for (unsigned i = 0; i < ROWS; i++) print(monitor, "  %-13s %s\n", rows[i].name, rows[i].help);
    return false;
}

static const struct row *find(struct monitor *monitor, const char *word) {
    unsigned two[2];
    int choice = parse_choice(word, catch_name, two);
    if (choice >= 0) return &rows[choice];
    if (choice == CHOICE_SEVERAL)
        monitor_error(monitor, "catch %s could be %s or %s", word, rows[two[0]].name, rows[two[1]].name);
    else
        monitor_error(monitor, "catch %s: not something that can be caught (catch alone lists what can)", word);
    return NULL;
}

static bool at_condition(const char *text) { return strncmp(text, "if", 2) == 0 && strchr(" \t(", text[2]); }

// MSRs and VMCS fields are named, not evaluated: their address or encoding is what is compared.
static bool take_number(struct monitor *monitor, const struct row *row, const char **text, uint64_t *number) {
    char word[64];
    const char *after = *text;
    struct vmx_field field;
    take_word(&after, word, sizeof word);
    struct name name = name_find(&monitor->look, word, false);
    if (name.kind == NAME_MSR && row->sights & SEEN(MSR_READ))
        *number = name.value;
    else if (name.kind == NAME_FIELD && row->argument == FIELD_NAME && vmx_field((unsigned)name.value, &field))
        *number = field.encoding;
    else
        return take_value(&monitor->look, text, number);
    *text = after;
    return true;
}

static bool is_instruction(uint64_t reason) {
    static const uint64_t told = BIT(EXIT_VMCLEAR) | BIT(EXIT_VMPTRLD) | BIT(EXIT_VMPTRST) | BIT(EXIT_VMXOFF) |
                                 BIT(EXIT_VMXON) | BIT(EXIT_INVEPT) | BIT(EXIT_INVVPID);
    return reason < 64 && told >> reason & 1;
}

static bool number_good(struct monitor *monitor, const struct row *row, uint64_t number) {
    const char *reason = vmx_exit_name((unsigned)(number < VMX_REASONS ? number : VMX_REASONS));
    if (row->argument == REASON && !reason)
        return monitor_error(
            monitor, "catch exit %" PRIu64 ": there is no such reason; they have names (SDM Vol. 3C, appendix C)",
            number);
    if (row->argument == INSTRUCTION && !is_instruction(number))
        return monitor_error(monitor,
                             "catch vmx %s: VMCLEAR, VMPTRLD, VMPTRST, VMXON, VMXOFF, INVEPT or INVVPID; the others "
                             "have catch entry, failed-entry, vmread and vmwrite",
                             reason ? reason : "?");
    if (number > row->last)
        return monitor_error(monitor, "catch %s 0x%" PRIx64 ": the number is 0 to 0x%" PRIx64, row->name, number,
                             row->last);
    return true;
}

static bool take_argument(struct monitor *monitor, const struct row *row, const char **text, struct stop *stop) {
    static const uint64_t fixed[] = {
        [INVEPT] = EXIT_INVEPT, [INVVPID] = EXIT_INVVPID, [PAGE] = SIGHT_TLB_PAGE, [FLUSH] = SIGHT_TLB_FLUSH};
    bool reasons = row->argument == REASON || row->argument == INSTRUCTION;
    if (row->argument >= INVEPT) {
        stop->filter = number_is;
        stop->number_wanted = fixed[row->argument];
        return true;
    }
    if (row->argument == VECTOR) stop->filter = exception_is;
    if (row->argument == NOTHING || !**text || at_condition(*text)) return true;
    if (!take_number(monitor, row, text, &stop->number_wanted)) return false;
    if (!number_good(monitor, row, stop->number_wanted)) return false;
    if (row->argument != VECTOR) stop->filter = reasons ? reason_is : row->argument == LEVEL ? level_is : number_is;
    stop->has_number = true;
    return true;
}

static bool catch_it(struct monitor *monitor, const char *arguments, bool once) {
    char word[64];
    if (!take_word(&arguments, word, sizeof word)) return list(monitor);
    const struct row *row = find(monitor, word);
    if (!row) return false;
    const char *from = arguments;
    struct stop *stop = stop_new(monitor, "");
    if (!stop) return false;
    if (!take_argument(monitor, row, &arguments, stop)) {
        stop_discard(stop);
        return false;
    }
    size_t length = (size_t)(arguments - from);
    while (length && from[length - 1] == ' ') length--;
    snprintf(stop->title, sizeof stop->title, "catch %s%s%.*s", row->name, length ? " " : "", (int)length, from);
    stop->wanted = row->sights;
    stop->once = once;
    return stop_install(monitor, stop, arguments);
}

bool command_catch(struct monitor *monitor, const char *arguments) { return catch_it(monitor, arguments, false); }
bool command_tcatch(struct monitor *monitor, const char *arguments) { return catch_it(monitor, arguments, true); }
