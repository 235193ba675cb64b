// An access through both stages as a question; see look.h.
#include "vmx/ept/look.h"

struct both {
    const struct access_question *question;
    const struct translation_access *access;
    struct access_answer *answer;
};

static bool read_table(void *context, uint64_t at, unsigned bytes, uint64_t *entry) {
    const struct access_question *q = context;
    return q->memory.read(q->memory.context, at, bytes, entry);
}

// Through EPT, or straight. False: the answer says why not.
static bool second_stage(const struct both *b, uint64_t guest_physical, const struct second_stage_access *access,
                         uint64_t *physical) {
    const struct access_question *q = b->question;
    const struct look_memory memory = {(void *)q, read_table, NULL};
    struct access_answer *a = b->answer;
    *physical = guest_physical;
    if (!q->second_stage) return true;
    bool maps = ept_look(&q->ept, &memory, q->eptp, guest_physical, &a->second);
    uint64_t needs = ept_needs(&q->ept, access);
    *physical = a->second.result;
    if (maps && (a->second.rights & needs) == needs) return true;
    if (maps) a->second.verdict = LOOK_FORBIDDEN;
    a->refused = *access;
    a->guest_physical = guest_physical;
    a->verdict = a->second.verdict == LOOK_RESERVED   ? ACCESS_EPT_MISCONFIGURATION
                 : a->second.verdict == LOOK_NO_ENTRY ? ACCESS_NO_MEMORY
                                                      : ACCESS_EPT_VIOLATION;
    a->qualification = ept_qualification(&q->ept, access, maps ? a->second.rights : 0);
    return false;
}

static bool guest_entry(const struct both *b, uint64_t at, bool write, uint64_t *physical) {
    const struct second_stage_access access = {
        .linear = b->answer->first.address, .linear_valid = true, .write = write, .page_walk = true};
    return second_stage(b, at, &access, physical);
}

static bool read_entry(void *context, uint64_t at, unsigned bytes, uint64_t *entry) {
    const struct both *b = context;
    uint64_t physical;
    return guest_entry(b, at, false, &physical) && read_table((void *)b->question, physical, bytes, entry);
}

static bool update_entry(void *context, uint64_t at) {
    uint64_t physical;
    return guest_entry(context, at, true, &physical);
}

void ask_access(const struct access_question *question, uint64_t linear, const struct translation_access *access,
                struct access_answer *answer) {
    struct both both = {question, access, answer};
    const struct look_memory memory = {&both, read_entry, update_entry};
    *answer = (struct access_answer){.verdict = ACCESS_NO_MEMORY};
    bool maps = look_linear(&question->roots, &memory, linear, access, &answer->first);
    const struct table_look *first = &answer->first;
    if (first->verdict == LOOK_NO_ENTRY || first->verdict == LOOK_NO_UPDATE) return;
    if (!maps) {
        answer->verdict = first->verdict == LOOK_NOT_CANONICAL ? ACCESS_NOT_CANONICAL : ACCESS_PAGE_FAULT;
        answer->error_code = first->error_code;
        return;
    }
    const struct second_stage_access page = {.linear = first->address,
                                             .linear_valid = true,
                                             .write = access->write,
                                             .fetch = access->fetch,
                                             .rights = first->rights};
    answer->guest_physical = first->result;
    if (second_stage(&both, first->result, &page, &answer->physical)) answer->verdict = ACCESS_DONE;
}
