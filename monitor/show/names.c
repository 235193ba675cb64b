// Names that are found by themselves; see names.h.
#include "monitor/show/names.h"
#include "devices/machine/machine_boot.h"
#include "monitor/explain/walk.h"
#include "monitor/symbols/symbols_file.h"
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { AGAIN_STEPS = 100000 /* between two looks for a kernel */, LINES_MOST = 64 << 20 };
static const char kallsyms[] = "kallsyms", modules[] = "modules of Linux", fresh[] = "(being read)";

// The processor that is looked at, or the first on which the level is there. False, with one line in `error`: none.
static bool find_view(const struct monitor *monitor, unsigned level, struct view *view, struct backing *backing,
                      char *error, size_t size) {
    struct machine *machine = monitor->look.machine;
    const struct history *history = machine_history(machine);
    unsigned processor = monitor->look.processor;
    for (unsigned i = 0; machine_cpu(machine, i) && !view_is_there(machine_cpu(machine, processor), level); i++)
        processor = i;
    *backing = (struct backing){0};
    bool found = view_of(machine, processor, (int)level, history, view, error, size);
    view->backing = backing;
    return found;
}

// --- modules ---

// What was read before is kept while it is more: pages of a guest come and go.
static struct linux_modules read_modules(struct monitor *monitor, unsigned level, const struct view *view) {
    struct linux_names *n = &monitor->names.of[level];
    char title[96];
    size_t before = symbols_table_size(monitor->look.symbols, (int)level, modules);
    struct symbol_table *table = symbols_table_new(&monitor->look.symbols, fresh, (int)level);
    if (!table) return (struct linux_modules){0};
    struct linux_modules m = symbols_from_modules(table, view, n->head);
    n->modules_wanted = !m.whole;
    snprintf(title, sizeof title, "%s (%u): %s", modules, m.listed, m.names);
    if (!m.whole) snprintf(title, sizeof title, "%s (%u of %u): %s", modules, m.read, m.listed, m.names);
    symbols_table_done(table);
    if (!m.read || (!m.whole && symbols_table_size(monitor->look.symbols, (int)level, fresh) < before)) {
        symbols_table_drop(monitor->look.symbols, table);
        return m;
    }
    symbols_table_title(table, title);
    symbols_drop_older(monitor->look.symbols, table, modules);
    return m;
}

// The list of modules has a head that leads somewhere; of several symbols of that name, the first such.
static void find_modules(struct monitor *monitor, unsigned level, const struct view *view,
                         const struct symbol_table *table) {
    struct linux_names *n = &monitor->names.of[level];
    uint64_t head;
    n->head = n->mark = 0;
    for (size_t at = 0; !n->mark && symbols_table_next(table, "modules", &at, &head);) {
        n->mark = symbols_modules_mark(view, head);
        if (n->mark) n->head = head;
    }
}

// --- kernels ---

static void title_kernel(struct symbol_table *table, const struct linux_found *found) {
    char title[96];
    snprintf(title, sizeof title, "%s, Linux%s%s at %" PRIx64, kallsyms, *found->version ? " " : "", found->version,
             found->base);
    symbols_table_title(table, title);
}

static void remember_banner(struct linux_names *n, const struct view *view, const struct linux_found *found) {
    n->banner = found->banner;
    memset(n->version, 0, sizeof n->version);
    if (n->banner && view_read(view, SPACE_LINEAR, n->banner, n->version, sizeof n->version) < sizeof n->version)
        n->banner = 0;
}

// Whether what is at its place says that the same Linux is there as when its names were read. User code may have page
// tables without it.
static bool is_another(const struct linux_names *n, const struct view *view) {
    enum { USER_TABLES = 0x1000 };
    struct view kernel = *view;
    char now[sizeof n->version];
    uint64_t guest_physical;
    if (!n->banner) return false;
    if (!walk_linear_to_guest(view, n->banner, &guest_physical)) kernel.cr3 &= ~(uint64_t)USER_TABLES;
    if (!walk_linear_to_guest(&kernel, n->banner, &guest_physical)) return true;
    return view_read(&kernel, SPACE_LINEAR, n->banner, now, sizeof now) == sizeof now &&
           memcmp(now, n->version, sizeof now) != 0;
}

static void hide(struct monitor *monitor, unsigned level, bool hidden) {
    symbols_hide(monitor->look.symbols, (int)level, kallsyms, hidden);
    symbols_hide(monitor->look.symbols, (int)level, modules, hidden);
}

// NULL, or what is wrong.
static const char *read_kernel(struct monitor *monitor, const struct view *view, struct linux_found *found,
                               struct linux_modules *modules_found) {
    struct linux_names *n = &monitor->names.of[view->level];
    struct symbol_table *table = symbols_table_new(&monitor->look.symbols, kallsyms, (int)view->level);
    *found = (struct linux_found){0};
    *modules_found = (struct linux_modules){.whole = true};
    if (!table) return "there are as many tables as there can be; symbols clear drops them";
    const char *error = symbols_from_kallsyms(table, view, found);
    n->tried = machine_steps(view->machine);
    n->wanted = error ? n->wanted || found->missing : found->unread;
    if (!error) n->unread = found->unread;
    if (error) {
        symbols_table_drop(monitor->look.symbols, table);
        return error;
    }
    title_kernel(table, found);
    remember_banner(n, view, found);
    find_modules(monitor, view->level, view, table);
    symbols_table_done(table);
    symbols_drop_older(monitor->look.symbols, table, kallsyms);
    if (n->was_another) symbols_drop_older(monitor->look.symbols, table, modules);
    n->was_another = false;
    if (n->head) *modules_found = read_modules(monitor, view->level, view);
    return NULL;
}

static void tell_modules(struct monitor *monitor, const struct view *view, const struct linux_modules *m) {
    if (m->whole) return;
    print(monitor,
          "level %u: of %u modules %u could be read, not all of it: pages are not in %s now; it is tried again "
          "at later stops\n",
          view->level, m->listed, m->read, view->eptp ? "its EPT" : "memory");
}

static void tell_missing(struct monitor *monitor, const struct view *view, const struct linux_found *found,
                         const char *error) {
    if (!found->missing || (!error && !found->unread)) return;
    print(monitor, "level %u: ", view->level);
    if (error)
        print(monitor, "%s", error);
    else
        print(monitor, "%" PRIu32 " of %" PRIu32 " names cannot be read yet", found->unread,
              found->unread + found->symbols);
    print(monitor, ": %" PRIu64 " pages that it maps are not in %s yet; it is tried again at later stops\n",
          found->missing, view->eptp ? "its EPT" : "memory");
}

static bool wait_for(struct monitor *monitor, unsigned level, const char *why) {
    monitor->names.of[level].wanted = true;
    monitor->names.of[level].tried = machine_steps(monitor->look.machine);
    print(monitor, "symbols kallsyms: %s; its kernel is looked for at later stops\n", why);
    return true;
}

bool names_of_linux(struct monitor *monitor, unsigned level) {
    struct linux_found found;
    struct linux_modules its;
    struct view view;
    struct backing backing;
    char why[160];
    if (!find_view(monitor, level, &view, &backing, why, sizeof why)) return wait_for(monitor, level, why);
    const char *error = read_kernel(monitor, &view, &found, &its);
    tell_missing(monitor, &view, &found, error);
    tell_modules(monitor, &view, &its);
    if (!error || found.missing) return true;
    return monitor_error(monitor, "symbols kallsyms: level %u: %s", level, error);
}

bool names_of_every_linux(struct monitor *monitor) {
    struct linux_found found;
    struct linux_modules its;
    struct view view;
    struct backing backing;
    char why[160];
    const char *first = NULL;
    bool any = false;
    for (unsigned level = 0; level < VMX_LEVELS; level++) {
        if (!find_view(monitor, level, &view, &backing, why, sizeof why)) continue;
        const char *error = read_kernel(monitor, &view, &found, &its);
        tell_missing(monitor, &view, &found, error);
        tell_modules(monitor, &view, &its);
        any |= !error || found.missing;
        if (!first) first = error;
    }
    return any || monitor_error(monitor, "symbols kallsyms: %s", first);
}

// --- at stops ---

static void look_for_kernel(struct monitor *monitor, const struct view *view) {
    struct linux_found found;
    struct linux_modules its;
    if (read_kernel(monitor, view, &found, &its)) return;
    print(monitor, "symbols: level %u: %" PRIu32 " names of Linux%s%s were read now\n", view->level, found.symbols,
          *found.version ? " " : "", found.version);
}

static void look_for_modules(struct monitor *monitor, const struct view *view) {
    struct linux_names *n = &monitor->names.of[view->level];
    size_t before = symbols_table_size(monitor->look.symbols, (int)view->level, modules);
    struct linux_modules m = read_modules(monitor, view->level, view);
    if (symbols_table_size(monitor->look.symbols, (int)view->level, modules) != before)
        print(monitor, "symbols: level %u: names of %u modules were read now\n", view->level, m.read);
    n->mark = symbols_modules_mark(view, n->head);
}

static void look_again(struct monitor *monitor, unsigned level) {
    struct linux_names *n = &monitor->names.of[level];
    struct view view;
    struct backing backing;
    char why[160];
    uint64_t step = machine_steps(monitor->look.machine), since = step - n->tried;
    bool asked_for = n->wanted || n->head || n->banner;
    if (!asked_for || !since || !find_view(monitor, level, &view, &backing, why, sizeof why)) return;
    bool another = is_another(n, &view);
    if (another != n->was_another) hide(monitor, level, another);
    n->was_another = another;
    n->wanted |= another;
    if (n->wanted && !another && n->banner && !n->unread) n->wanted = false; // the one that was read is back
    bool wanted = (n->wanted || n->modules_wanted) && since >= AGAIN_STEPS;
    uint64_t mark = n->head ? symbols_modules_mark(&view, n->head) : 0;
    if (!wanted && (another || !mark || mark == n->mark)) return;
    n->tried = step;
    if (n->wanted)
        look_for_kernel(monitor, &view);
    else
        look_for_modules(monitor, &view);
}

void names_again(struct monitor *monitor) {
    names_begin(monitor);
    for (unsigned level = 0; level < VMX_LEVELS; level++) look_again(monitor, level);
}

void names_forget(struct monitor *monitor) {
    symbols_free(monitor->look.symbols);
    monitor->look.symbols = NULL;
    monitor->names = (struct names){.begun = true};
}

// --- the kernel that was loaded ---

// By its path; of a recording, or of a machine that came from a snapshot, it is what was kept of it.
void names_begin(struct monitor *monitor) {
    const struct symbols_place where = {.lines_most = LINES_MOST, .elf_only = true};
    const struct boot_image *boot = machine_boot_image(monitor->look.machine);
    const char *path = monitor->run->options->kernel;
    const char *name = path ? path : boot && boot->file ? "the kernel that it began with" : NULL;
    if (monitor->names.begun) return;
    monitor->names.begun = true;
    struct symbol_table *table = name ? symbols_table_new(&monitor->look.symbols, name, SYMBOLS_ANY_LEVEL) : NULL;
    if (!table) return;
    if (path ? symbols_from_file(table, path, &where) : symbols_from_bytes(table, boot->file, boot->file_bytes, &where))
        symbols_table_drop(monitor->look.symbols, table);
    else
        symbols_table_done(table);
}
