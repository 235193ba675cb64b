// Threads and processes of the gdb server: processors and levels.
#include "monitor/gdb/gdb_private.h"
#include "vmx/vmcs/vmx.h"
#include <stdio.h>
#include <string.h>

const struct cpu *gdb_cpu(const struct gdb *gdb, struct gdb_thread thread) {
    return machine_cpu(gdb->host.machine, thread.cpu);
}

static unsigned cpus(const struct gdb *gdb) { return machine_configuration(gdb->host.machine)->cpus; }

bool gdb_has_taken(const struct gdb *gdb, unsigned level) { return level < GDB_LEVELS && gdb->taken >> level & 1; }

bool gdb_thread_exists(const struct gdb *gdb, struct gdb_thread thread) {
    return gdb_has_taken(gdb, thread.level) && thread.cpu < cpus(gdb);
}

// While a level runs that gdb has not attached to, the one that waits for it is shown: the nearest below.
static unsigned shown_level(const struct gdb *gdb, unsigned running) {
    for (unsigned level = running + 1; level-- > 0;)
        if (gdb_has_taken(gdb, level)) return level;
    for (unsigned level = running; level < GDB_LEVELS; level++)
        if (gdb_has_taken(gdb, level)) return level;
    return 0;
}

void gdb_stopped_at(struct gdb *gdb, unsigned cpu) {
    unsigned running = vmx_level(machine_cpu(gdb->host.machine, cpu));
    gdb->stopped = (struct gdb_thread){shown_level(gdb, running), cpu};
}

// --- as text: pPROCESS.THREAD, or one number for those who know no processes ---

void gdb_print_thread(struct gdb *gdb, struct gdb_text *text, struct gdb_thread thread) {
    if (gdb->multiprocess)
        gdb_text_print(text, "p%x.%x", thread.level + 1, thread.cpu + 1);
    else
        gdb_text_print(text, "%x", thread.level * MACHINE_CPUS + thread.cpu + 1);
}

// A number, or -1: *all; 0: *any.
static bool take_id(const char **text, uint64_t *id, bool *any) {
    if (gdb_take_char(text, '-')) {
        *any = gdb_take_char(text, '1');
        return *any;
    }
    if (!gdb_take_hex(text, id)) return false;
    *any = *id == 0;
    return true;
}

bool gdb_take_thread(const struct gdb *gdb, const char **text, struct gdb_thread *thread, bool *any) {
    uint64_t process = gdb->stopped.level + 1u, id = 0;
    bool any_process = false;
    *thread = gdb->stopped;
    *any = true;
    bool both = gdb_take_char(text, 'p');
    if (both && !take_id(text, &process, &any_process)) return false;
    if (any_process) process = gdb->stopped.level + 1u;
    if (process == 0 || !gdb_has_taken(gdb, (unsigned)(process > GDB_LEVELS ? GDB_LEVELS : process - 1))) return false;
    thread->level = (unsigned)process - 1;
    if (both && !gdb_take_char(text, '.')) return true;
    if (!take_id(text, &id, any)) return false;
    if (*any) return true;
    if (id > GDB_LEVELS * MACHINE_CPUS) return false;
    *thread = both ? (struct gdb_thread){thread->level, (unsigned)id - 1}
                   : (struct gdb_thread){(unsigned)(id - 1) / MACHINE_CPUS, (unsigned)(id - 1) % MACHINE_CPUS};
    return gdb_thread_exists(gdb, *thread);
}

// --- packets ---

void gdb_answer_select(struct gdb *gdb, const char *arguments) {
    struct gdb_thread thread;
    bool any, general = gdb_take_char(&arguments, 'g');
    if ((!general && !gdb_take_char(&arguments, 'c')) || !gdb_take_thread(gdb, &arguments, &thread, &any)) {
        gdb_error(gdb);
        return;
    }
    if (general)
        gdb->general = thread;
    else
        gdb->resumed = thread;
    gdb_fine(gdb);
}

void gdb_answer_alive(struct gdb *gdb, const char *arguments) {
    struct gdb_thread thread;
    bool any;
    if (gdb_take_thread(gdb, &arguments, &thread, &any))
        gdb_fine(gdb);
    else
        gdb_error(gdb);
}

// The one that stopped comes first.
void gdb_answer_first_threads(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    gdb_text_print(&gdb->reply, "m");
    gdb_print_thread(gdb, &gdb->reply, gdb->stopped);
    for (unsigned level = 0; level < GDB_LEVELS; level++) {
        for (unsigned i = 0; i < cpus(gdb) && gdb_has_taken(gdb, level) && !gdb->over; i++) {
            if (level == gdb->stopped.level && i == gdb->stopped.cpu) continue;
            gdb_text_print(&gdb->reply, ",");
            gdb_print_thread(gdb, &gdb->reply, (struct gdb_thread){level, i});
        }
    }
}

void gdb_answer_more_threads(struct gdb *gdb, const char *arguments) {
    (void)arguments;
    gdb_text_print(&gdb->reply, "l");
}

static void describe(const struct gdb *gdb, struct gdb_thread thread, char *text, size_t size) {
    uint64_t vmcs = 0;
    enum gdb_source source = gdb_source(gdb, thread, &vmcs);
    const struct cpu *cpu = gdb_cpu(gdb, thread);
    const char *state = source == GDB_ABSENT                          ? "nothing has run there"
                        : source != GDB_LIVE                          ? "waits"
                        : cpu->boundary.activity == ACTIVITY_ACTIVE   ? "runs"
                        : cpu->boundary.activity == ACTIVITY_HLT      ? "is halted"
                        : cpu->boundary.activity == ACTIVITY_SHUTDOWN ? "is shut down"
                                                                      : "waits for SIPI";
    if (thread.level == 0 || source == GDB_ABSENT)
        snprintf(text, size, "processor %u, level %u: %s", thread.cpu, thread.level, state);
    else
        snprintf(text, size, "processor %u, level %u: %s, VMCS %llx", thread.cpu, thread.level, state,
                 (unsigned long long)vmcs);
}

void gdb_answer_thread_text(struct gdb *gdb, const char *arguments) {
    struct gdb_thread thread;
    bool any;
    char text[100];
    if (!gdb_take_thread(gdb, &arguments, &thread, &any)) {
        gdb_error(gdb);
        return;
    }
    describe(gdb, thread, text, sizeof text);
    gdb_text_hex(&gdb->reply, text, strlen(text));
}

void gdb_xml_threads(struct gdb *gdb, struct gdb_text *text) {
    gdb_text_print(text, "<?xml version=\"1.0\"?>\n<threads>\n");
    for (unsigned level = 0; level < GDB_LEVELS; level++) {
        for (unsigned i = 0; i < cpus(gdb) && gdb_has_taken(gdb, level) && !gdb->over; i++) {
            struct gdb_thread thread = {level, i};
            char words[100];
            describe(gdb, thread, words, sizeof words);
            gdb_text_print(text, "  <thread id=\"");
            gdb_print_thread(gdb, text, thread);
            gdb_text_print(text, "\" core=\"%u\">%s</thread>\n", i, words);
        }
    }
    gdb_text_print(text, "</threads>\n");
}
