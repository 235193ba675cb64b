// Resets of the guest. One triple fault may be meant, as a way to reset a PC; more of them are a loop in which nothing
// else is ever seen, and which is told, once, with the chain of faults of the first. SDM Vol. 3A, 6.15 (interrupt 8).
#include "monitor/session/resets.h"
#include "cpu/state/cpu.h"
#include "devices/machine/machine.h"
#include "monitor/faults/fault.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FACTS = HISTORY_CHAIN + 1, TOLD_AT = 2 };

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size, const char *format, ...) {
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static uint64_t value_of(const struct fact *fact, const char *name) {
    const struct fact_value *value = fact_value_named(fact, name);
    return value ? value->now : 0;
}

// "#PF (error code 2, linear 0x1000), then #DF (error code 0), then one more exception"
static void describe_chain(struct run *run, const struct history_cpu *past) {
    char *text = run->first_triple_fault;
    size_t size = sizeof run->first_triple_fault;
    struct fact fact[FACTS];
    unsigned count = triple_facts(past, fact, FACTS);
    for (unsigned i = 0; i + 1 < count; i++) {
        append(text, size, "%s%s (error code %" PRIx64 "H", i ? ", then " : ": ", fact[i].rule,
               value_of(&fact[i], "error code"));
        if (fact_value_named(&fact[i], "CR2")) append(text, size, ", linear %" PRIx64 "H", value_of(&fact[i], "CR2"));
        append(text, size, ")");
    }
    append(text, size, count > 1 ? ", then one more exception" : "");
}

void resets_note(struct run *run, const char *why) {
    run->resets++;
    snprintf(run->reset_text, sizeof run->reset_text, "%s", why);
}

static void remember_first(struct run *run, const struct cpu *cpu) {
    const struct history_cpu *past = cpu->wire.extension ? vmx_history_cpu(cpu) : NULL;
    snprintf(run->first_triple_fault, sizeof run->first_triple_fault, "step %" PRIu64 ", RIP %016" PRIx64,
             machine_steps(run->machine), cpu->rip);
    if (past) describe_chain(run, past);
}

void resets_note_triple_fault(struct run *run, const struct cpu *cpu) {
    run->triple_faults++;
    if (run->triple_faults == 1) remember_first(run, cpu);
    if (run->triple_faults != TOLD_AT) return;
    console_flush(run->console);
    progress_clear(&run->progress);
    complain("warning: triple faults reset the guest again and again; the first at %s. -no-reboot ends the run there",
             run->first_triple_fault);
}
