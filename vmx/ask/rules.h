// The rows of exits.def, and some of changes.def, as what explains them reads them: which rules there are, what each
// needs, and whether one holds.
#ifndef VMX_RULES_H
#define VMX_RULES_H
#include "vmx/ask/ask.h"

enum { RULE_NO_CONTROL = 255 };
struct exit_rule {
    uint8_t reason;     // basic exit reason
    uint8_t intercept;  // enum intercept; ICEPT_NONE: no instruction's
    uint8_t group, bit; // of the control that must be 1; RULE_NO_CONTROL: none
    uint8_t section;    // enum section (cpu/state/section.h)
    bool decided;       // the row says when it exits; else that is decided where it comes up
    const char *what;   // in a list of what exits with this control; "": said elsewhere
    const char *when;   // as written in the row; "" if not decided
    const char *rule;   // the manual's words
};
const struct exit_rule *exit_rule(unsigned index); // NULL past the last row

// Instructions that are #UD in VMX non-root operation while their control is 0: the rows of changes.def.
struct undefined_rule {
    const char *instruction; // "RDTSCP"
    uint8_t group, bit, section;
    const char *rule; // the manual's words
};
const struct undefined_rule *undefined_rule(unsigned index); // NULL past the last row

// What a rule is asked about: an instruction or an event.
struct rule_subject {
    enum intercept intercept; // ICEPT_NONE: the event
    union intercept_operand operand;
    const struct op *op;       // may be NULL
    const struct event *event; // NULL: the instruction
};
// Whether the rule is about that and makes it exit. `ask->reads`, if not NULL, gets the values that it read.
bool exit_rule_holds(unsigned index, const struct ask *ask, const struct rule_subject *subject);

// What a VM exit was about, as far as what it reported tells: of an exit with this reason and qualification, by a guest
// with these general registers. False: that is not enough.
bool exit_rule_subject(unsigned reason, uint64_t qualification, const uint64_t gpr[16], struct rule_subject *subject);

#endif
