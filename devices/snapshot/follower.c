// Who remembers the past of a machine; see follower.h.
#include "devices/snapshot/follower.h"
#include "devices/machine/machine_private.h"
#include "vmx/history/history.h"
#include "vmx/vmcs/vmx.h"

void machine_add_follower(struct machine *m, struct follower *follower) {
    struct follower **end = &m->followers;
    while (*end) end = &(*end)->next;
    follower->next = NULL;
    *end = follower;
}

void machine_remove_follower(struct machine *m, struct follower *follower) {
    struct follower **at = &m->followers;
    while (*at && *at != follower) at = &(*at)->next;
    if (*at) *at = follower->next;
}

// --- those of VT-x ---

enum { OF_MACHINE = 2, OF_CPU = 3 };

static struct follower of_machine(const struct cpu *cpu, unsigned index) {
    if (!index) return (struct follower){&vmx_level_state, vmx_levels(cpu), NULL};
    return (struct follower){&vmx_history_state, (void *)vmx_history(cpu), NULL};
}

static struct follower of_cpu(const struct cpu *cpu, unsigned index) {
    if (!index) return (struct follower){&vmx_level_run_state, cpu->wire.extension->state, NULL};
    if (index == 1) return (struct follower){&vmx_count_state, cpu->wire.extension->state, NULL};
    return (struct follower){&vmx_history_cpu_state, (void *)vmx_history_cpu(cpu), NULL};
}

static unsigned of_vmx(const struct machine *m) {
    return m->cpu[0]->wire.extension ? OF_MACHINE + OF_CPU * m->config.cpus : 0;
}

unsigned machine_own_followers(struct machine *m) { return of_vmx(m); }

bool machine_follower(struct machine *m, unsigned index, struct follower *out) {
    unsigned own = of_vmx(m);
    if (index < own) {
        unsigned nth = index - OF_MACHINE;
        *out = index < OF_MACHINE ? of_machine(m->cpu[0], index) : of_cpu(m->cpu[nth / OF_CPU], nth % OF_CPU);
        return true;
    }
    const struct follower *f = m->followers;
    for (index -= own; f && index; index--) f = f->next;
    if (f) *out = *f;
    return f;
}

// --- as bytes ---

size_t followers_size(struct machine *m) {
    struct follower f;
    size_t bytes = 0;
    for (unsigned i = 0; machine_follower(m, i, &f); i++) bytes += state_size(f.table);
    return bytes;
}

void followers_save(struct machine *m, uint8_t *out) {
    struct follower f;
    for (unsigned i = 0; machine_follower(m, i, &f); i++, out += state_size(f.table))
        state_save(f.table, f.object, out);
}

const char *followers_load(struct machine *m, const uint8_t *in) {
    struct follower f;
    uint32_t index;
    for (unsigned i = 0; machine_follower(m, i, &f); i++, in += state_size(f.table)) {
        if (state_load(f.table, f.object, in, &index)) return f.table->name;
        if (f.table->valid && !f.table->valid(f.object)) return f.table->name;
    }
    for (unsigned i = 0; i < m->config.cpus; i++) vmx_history_loaded(m->cpu[i]);
    return NULL;
}
