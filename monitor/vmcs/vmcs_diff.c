// How VMCSs differ, which fields a word means, and where the values of a nested guest's VMCS came from.
#include "monitor/vmcs/vmcs.h"
#include <stdio.h>

unsigned vmcs_differs(const struct vmcs_image *a, const struct vmcs_image *b, unsigned from) {
    unsigned f = from;
    while (f < FIELD_COUNT && (!(a->known[f] && b->known[f]) || a->field[f] == b->field[f])) f++;
    return f;
}

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c; }

static bool begins(const char *name, const char *word) {
    while (*word && upper(*name) == upper(*word)) name++, word++;
    return !*word;
}

static bool matches(const char *name, const char *word, bool anywhere) {
    for (; *name; name++) {
        if (begins(name, word)) return true;
        if (!anywhere) return false;
    }
    return false;
}

static int next_match(const struct vmcs_match *m, const struct vmcs_image *image) {
    struct vmx_field row;
    for (unsigned f = (unsigned)(m->at + 1); vmx_field(f, &row); f++)
        if (image->known[f] && matches(row.name, m->word, m->anywhere)) return (int)f;
    return -1;
}

bool vmcs_match_next(struct vmcs_match *m, const struct vmcs_image *image) {
    bool first = m->at < 0;
    if (first) m->exact = vmx_field_find(m->word);
    if (m->exact >= 0 && image->known[m->exact]) {
        m->at = m->exact;
        return first;
    }
    int next = next_match(m, image);
    if (next < 0 && first && !m->anywhere) {
        m->anywhere = true;
        next = next_match(m, image);
    }
    if (next >= 0) m->at = next;
    return next >= 0;
}

// --- vmcs01 + vmcs12 = vmcs02 ---

bool vmcs_merge_of(const struct vmcs_source *from, struct vmcs_merge *m, char *error) {
    uint64_t two = vmx_level_vmcs(from->cpu, from->level), one = vmx_level_vmcs(from->cpu, 1);
    if (two == VMX_NO_VMCS || two == one) {
        snprintf(error, VMCS_ERROR_ROOM, "vmcs merge: no guest of a guest has run at level %u", from->level);
        return false;
    }
    return vmcs_twelve(from, &m->twelve, error) && vmcs_hardware(from, one, &m->one, error) &&
           vmcs_hardware(from, two, &m->two, error);
}

// A value that was there before, in a field that was written later: nobody saw how it came over.
static bool had_it(const struct vmcs_image *image, const struct vmcs_image *two, enum vmcs_field f) {
    return image->known[f] && image->field[f] == two->field[f] &&
           stamp_step(&image->stamp[f]) <= stamp_step(&two->stamp[f]);
}

// What a VM exit loads is level 0's in both of its own VMCSs.
const struct vmcs_image *vmcs_copied_from(const struct vmcs_merge *m, enum vmcs_field f) {
    struct vmx_field row;
    vmx_field(f, &row);
    if (stamp_writer(&m->two.stamp[f]) != WRITER_VMWRITE) return NULL;
    if (row.type != VMX_FIELD_HOST && had_it(&m->twelve, &m->two, f)) return &m->twelve;
    return had_it(&m->one, &m->two, f) ? &m->one : NULL;
}

bool vmcs_worth_showing(const struct vmcs_merge *m, enum vmcs_field f) {
    struct vmx_field row;
    vmx_field(f, &row);
    if (row.type == VMX_FIELD_INFORMATION || !m->two.known[f]) return false;
    return m->two.field[f] || m->one.field[f] || m->twelve.field[f];
}
