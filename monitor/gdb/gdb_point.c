// Breakpoints and watchpoints of gdb: each belongs to a level, and stops the machine only while that level runs.
#include "monitor/gdb/gdb_private.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/processor/observing.h"
#include <stdio.h>
#include <stdlib.h>

enum { SOFTWARE, HARDWARE, WRITE, READ, ACCESS, KINDS }; // of the Z packet

static void hit(struct point *point, struct cpu *cpu, const struct sight *sight) {
    static const char *const names[KINDS] = {"swbreak", "hwbreak", "watch", "rwatch", "awatch"};
    struct gdb_point *p = point->context;
    struct gdb *gdb = p->gdb;
    (void)sight;
    if (vmx_level(cpu) != p->level) return;
    cpu_stop(cpu);
    bool told = p->kind == SOFTWARE ? gdb->swbreak : p->kind == HARDWARE ? gdb->hwbreak : true;
    if (!told || gdb->stop_reason[0]) return;
    if (p->kind < WRITE)
        snprintf(gdb->stop_reason, sizeof gdb->stop_reason, "%s:;", names[p->kind]);
    else
        snprintf(gdb->stop_reason, sizeof gdb->stop_reason, "%s:%llx;", names[p->kind],
                 (unsigned long long)point->address);
}

static struct gdb_point **find(struct gdb *gdb, const struct gdb_point *wanted) {
    struct gdb_point **p = &gdb->points;
    for (; *p; p = &(*p)->next)
        if ((*p)->level == wanted->level && (*p)->kind == wanted->kind &&
            (*p)->point.address == wanted->point.address && (*p)->point.bytes == wanted->point.bytes)
            break;
    return p;
}

static void remove_at(struct gdb *gdb, struct gdb_point **at) {
    struct gdb_point *p = *at;
    *at = p->next;
    machine_remove_point(gdb->host.machine, &p->point);
    gdb->point_count--;
    free(p);
}

void gdb_points_remove_level(struct gdb *gdb, int level) {
    for (struct gdb_point **p = &gdb->points; *p;) {
        if (level < 0 || (*p)->level == (unsigned)level)
            remove_at(gdb, p);
        else
            p = &(*p)->next;
    }
}

// kind,address,length
static bool take_point(struct gdb *gdb, const char *text, struct gdb_point *p) {
    static const unsigned access[KINDS] = {POINT_EXECUTE, POINT_EXECUTE, POINT_WRITE, POINT_READ,
                                           POINT_READ | POINT_WRITE};
    uint64_t kind = 0, address = 0, length = 0;
    if (!gdb_take_hex(&text, &kind) || kind >= KINDS || !gdb_take_char(&text, ',') || !gdb_take_hex(&text, &address) ||
        !gdb_take_char(&text, ',') || !gdb_take_hex(&text, &length))
        return false;
    *p = (struct gdb_point){.gdb = gdb, .level = gdb->general.level, .kind = (unsigned)kind};
    p->point = (struct point){.address = address,
                              .bytes = kind < WRITE ? 1
                                       : length     ? length
                                                    : 1,
                              .space = POINT_LINEAR,
                              .access = access[kind],
                              .hit = hit};
    return true;
}

void gdb_answer_insert_point(struct gdb *gdb, const char *arguments) {
    struct gdb_point wanted, *p;
    if (!take_point(gdb, arguments, &wanted)) {
        gdb_error(gdb);
    } else if (*find(gdb, &wanted)) {
        gdb_fine(gdb);
    } else if (gdb->point_count == GDB_POINTS || !(p = malloc(sizeof *p))) {
        gdb_error(gdb);
    } else {
        *p = wanted;
        p->point.context = p;
        p->next = gdb->points;
        gdb->points = p;
        gdb->point_count++;
        machine_add_point(gdb->host.machine, &p->point);
        gdb_fine(gdb);
    }
}

void gdb_answer_remove_point(struct gdb *gdb, const char *arguments) {
    struct gdb_point wanted;
    if (!take_point(gdb, arguments, &wanted)) {
        gdb_error(gdb);
        return;
    }
    struct gdb_point **at = find(gdb, &wanted);
    if (*at) remove_at(gdb, at);
    gdb_fine(gdb);
}
