// The words of the conditions in a lab's claims.def. `r` is the run.
#ifndef LABS_WORDS_H
#define LABS_WORDS_H
#include "labs/check/trial.h"
#include "vmx/insn/refusal.h"
#include "vmx/vmcs/names.h"

#define exits(reason) moment_count(r, OBSERVE_EXIT, EXIT_##reason, 1)
#define exits_of(at_level, reason) moment_count(r, OBSERVE_EXIT, EXIT_##reason, at_level)
#define any_exit(n) moment_nth(r, OBSERVE_EXIT, ANY, 1, n)
#define exit_of(at_level, reason, n) moment_nth(r, OBSERVE_EXIT, EXIT_##reason, at_level, n)
#define exit(reason, n) exit_of(1, reason, n)
#define entry(n) moment_nth(r, OBSERVE_ENTRY, ANY, ANY, n)
#define entries() moment_count(r, OBSERVE_ENTRY, ANY, ANY)
#define failed_entry(n) moment_nth(r, OBSERVE_FAILED_ENTRY, ANY, ANY, n)
#define entry_after(moment) moment_after(r, moment, OBSERVE_ENTRY, ANY)
#define exit_after(moment) moment_after(r, moment, OBSERVE_EXIT, ANY)
#define broke(check) moment_broke(r, #check)
#define written(moment, name) moment_written(r, moment, FIELD_##name)
#define vmx(instruction, n) moment_nth(r, OBSERVE_VMX_INSTRUCTION, EXIT_##instruction, 0, n)
#define refused(name) moment_nth(r, MOMENT_REFUSED, REFUSAL_##name, ANY, 1)
#define any_refused() moment_nth(r, MOMENT_REFUSED, ANY, 0, 1)
#define reported(rule) moment_nth(r, MOMENT_REPORT, RULE_##rule, ANY, 1)
#define happened(kind, number, at_level, n) moment_nth(r, OBSERVE_##kind, number, at_level, n)
#define count(kind, number, at_level) moment_count(r, OBSERVE_##kind, number, at_level)

#define field(moment, name) moment_field(moment, FIELD_##name)
#define control(moment, group, name) (moment_field(moment, FIELD_##group##_CONTROLS) >> group##_##name & 1)
#define get(of, member)                                                                                                \
    ({                                                                                                                 \
        const struct moment *m_ = (of);                                                                                \
        m_ ? (uint64_t)m_->member : 0;                                                                                 \
    })
#define gpr(moment, number) moment_gpr(moment, number)
#define symbol(name) trial_symbol(r, #name)
#define variable(name) trial_memory(r, trial_symbol(r, #name), 8)
#define word(address) trial_memory(r, address, 8)
#define byte(address) trial_memory(r, address, 1)
#define ended(why) (r->end == MACHINE_##why)
enum { A, C, D, B, SP, BP, SI, DI };

#endif
