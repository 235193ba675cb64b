// A jump to itself with interrupts off; see spin.h.
#include "monitor/causes/spin.h"
#include "monitor/explain/view.h"
#include "vmx/level/view.h"

static bool jumps_to_itself(const struct view *view) {
    static const uint8_t jump[] = {0xeb, 0xfe};
    uint8_t bytes[sizeof jump] = {0};
    (void)view_read(view, SPACE_LINEAR, view_code_address(view), bytes, sizeof bytes);
    return bytes[0] == jump[0] && bytes[1] == jump[1];
}

unsigned spin_facts(struct machine *machine, unsigned processor, struct fact *facts, unsigned max) {
    const struct cpu *cpu = machine_cpu(machine, processor);
    struct view view;
    char error[160];
    if (!max || cpu->rflags & FLAG_IF || cpu->boundary.activity != ACTIVITY_ACTIVE) return 0;
    if (vmx_interrupt_exits(cpu)) return 0;
    if (!view_of(machine, processor, -1, NULL, &view, error, sizeof error) || !jumps_to_itself(&view)) return 0;
    facts[0] = (struct fact){.rule = "spin",
                             .section = "SDM Vol. 3A, 6.8.1",
                             .text = "a jump to itself while RFLAGS.IF is 0: only an NMI or a reset ends it",
                             .holds = true,
                             .because = FACT_NO_CAUSE};
    const struct place nowhere = {.space = PLACE_NONE, .level = (uint8_t)view.level};
    fact_value(&facts[0], "RIP", nowhere, view.rip, 0, 0);
    fact_value(&facts[0], "RFLAGS", nowhere, view.rflags, FLAG_IF, FLAG_IF);
    return 1;
}
