// stale: translations that the TLB of a level still holds and that the tables no longer give, and which instruction was
// forgotten. They are found by monitor/explain/stale.c. SDM Vol. 3A, 4.10; Vol. 3C, 28.4.
#include "monitor/explain/stale.h"
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include <inttypes.h>

static uint64_t page_of(uint64_t value) { return value & TLB_PAGE_MASK; }

static void print_rights(struct monitor *monitor, uint64_t rights) {
    print(monitor, "%s%s%s", rights & TLB_WRITE && rights & TLB_STAGE2_WRITE ? "w" : "-",
          rights & TLB_EXECUTE ? "x" : "-", rights & TLB_USER ? "u" : "-");
}

static void print_linear(struct monitor *m, const struct stale_translation *t) {
    const struct stale_tables *f = &t->tables;
    print_in(m, RED, "%s 0x%012" PRIx64, t->fetch ? "fetch" : "data ", t->address);
    print(m, "  TLB: %012" PRIx64 " ", page_of(t->cached));
    print_rights(m, t->cached);
    print(m, "  tables: ");
    if (f->whole) {
        print(m, "%012" PRIx64 " ", page_of(f->physical));
        print_rights(m, f->rights);
    } else if (f->linear) {
        print(m, "EPT does not map guest-physical 0x%" PRIx64, f->guest_physical);
    } else {
        print(m, "not mapped");
    }
    if (t->second_stage && f->whole) print(m, "  guest-physical 0x%" PRIx64, f->guest_physical);
    if (t->second_stage || f->linear)
        print(m, "  %s is missing\n", t->second_stage ? "INVEPT" : "INVLPG");
    else
        print(m, "  no INVLPG since\n");
}

static void print_mapping(struct monitor *m, const struct stale_translation *t) {
    print_in(m, RED, "guest-physical 0x%012" PRIx64, t->address);
    print(m, "  cached: %012" PRIx64 "  EPT: ", t->cached);
    if (t->tables.whole)
        print(m, "%012" PRIx64 "  INVEPT is missing\n", t->tables.physical);
    else
        print(m, "not mapped  INVEPT is missing\n");
}

static void print_own(struct monitor *m, const struct stale_translation *t) {
    print_in(m, RED, "%s 0x%012" PRIx64, t->fetch ? "fetch" : "data ", t->address);
    print(m, "  TLB: %012" PRIx64 " ", page_of(t->cached));
    print_rights(m, t->cached);
    if (t->own_fails)
        print(m, "  level %u does not map it any more", t->own_fails - 1);
    else
        print(m, "  the levels' EPTs: %012" PRIx64, page_of(t->own_physical));
    print(m, "  guest-physical 0x%" PRIx64 "\n", t->tables.guest_physical);
}

static void print_stale(void *context, const struct stale_translation *t) {
    if (t->own)
        print_own(context, t);
    else if (t->mapping)
        print_mapping(context, t);
    else
        print_linear(context, t);
}

static void conclude(struct monitor *m, const struct view *view, const struct stale *s) {
    if (!s->found) {
        print(m, "level %u: all %u translations that the processor remembers are as the tables say\n", view->level,
              s->checked);
        return;
    }
    print(m, "level %u: %u of %u translations that the processor remembers are stale\n", view->level, s->found,
          s->checked);
    if (s->guest_physical)
        print(m,
              "  EPT was changed and INVEPT for EPTP %" PRIx64
              " was not executed: the processor may go on using what it\n"
              "  remembers. SDM Vol. 3C, 28.4.3.1, 28.4.3.4\n",
              view->eptp);
    if (s->own)
        print(m,
              "  an EPT between level %u and level 0 was changed without INVEPT by the level that wrote it, or level 0 "
              "has "
              "not\n  followed the INVEPT in the EPT that it merged: the processor's is as before. SDM Vol. 3C, "
              "28.4.3.1\n",
              view->level);
    if (s->linear)
        print(m,
              "  page tables were changed and neither INVLPG nor MOV to CR3%s was executed: the processor may go on "
              "using\n"
              "  what it remembers. It may be delayed where nothing is at the address now. SDM Vol. 3A, 4.10.4.2, "
              "4.10.4.4%s\n",
              s->vpid ? ", nor INVVPID" : "", s->vpid ? "; Vol. 3C, 28.4.3.3" : "");
}

static bool take_level(struct monitor *monitor, const char *arguments, int *level) {
    uint64_t value;
    *level = monitor->look.level;
    if (!*arguments) return true;
    if (*arguments == '@') arguments++;
    if (!take_value(&monitor->look, &arguments, &value) || !take_end(&monitor->look, arguments)) return false;
    if (value >= VMX_LEVELS) return monitor_error(monitor, "stale: levels are 0 to %d", VMX_LEVELS - 1);
    *level = (int)value;
    return true;
}

bool command_stale(struct monitor *monitor, const char *arguments) {
    struct view view;
    struct stale stale;
    int level;
    if (!take_level(monitor, arguments, &level) || !view_make(&monitor->look, level, &view)) return false;
    stale_search(&view, print_stale, monitor, &stale);
    conclude(monitor, &view, &stale);
    return true;
}
