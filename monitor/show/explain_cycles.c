// explain cycles: a block of instructions in the pipeline of a core, cycle by cycle.
#include "cpu/timing/explain.h"
#include "cpu/timing/model.h"
#include "monitor/expression/expression.h"
#include "monitor/session/monitor.h"
#include "monitor/show/disassemble.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TURNS = 2, COLUMNS = 72, TEXT_COLUMNS = 38 };

struct block_shown {
    struct explain_insn insn[EXPLAIN_MOST];
    char text[EXPLAIN_MOST][TEXT_COLUMNS + 1];
    unsigned count;
    const char *model;
};

// --- taking the block ---

static uint64_t operand_address(const struct view *view, const struct instruction *text, const struct insn *insn) {
    uint64_t address = (uint64_t)insn->displacement;
    if (insn->base < 16) address += view->gpr[insn->base];
    if (insn->base == REG_RIP) address += text->address + insn->length;
    if (insn->index < 16) address += view->gpr[insn->index] << insn->scale;
    if (insn->segment >= 4) address += view->base[insn->segment];
    return address;
}

static bool ends_block(const struct insn *insn) { return insn->row->traits & T_BRANCH; }

// Up to the first branch, if no number was given.
static bool block_take(struct monitor *monitor, const struct location *from, unsigned most, struct block_shown *out) {
    const struct cpu *cpu = from->view.cpu;
    const unsigned bits = view_code_bits(&from->view);
    const enum code_size size = bits == 64 ? CODE_64 : bits == 32 ? CODE_32 : CODE_16;
    uint64_t at = from->address;
    for (bool more = true; more && out->count < (most ? most : EXPLAIN_MOST); out->count++) {
        struct instruction text;
        struct explain_insn *e = &out->insn[out->count];
        if (!disassemble(&monitor->look, &from->view, from->space, at, 0, &text)) break;
        if (decode(cpu->wire.decoder, size, text.bytes, text.readable, &e->insn) != DECODE_OK) break;
        e->address = operand_address(&from->view, &text, &e->insn);
        snprintf(out->text[out->count], sizeof out->text[0], "%.*s", TEXT_COLUMNS, text.text);
        at += e->insn.length;
        more = most || !ends_block(&e->insn);
    }
    return out->count || monitor_error(monitor, "explain cycles: there is no instruction at %" PRIx64, from->address);
}

// --- drawing it ---

static void draw(const struct explained *e, uint64_t first, char *line) {
    memset(line, ' ', COLUMNS);
    line[COLUMNS] = '\0';
    for (uint64_t cycle = e->renamed; cycle <= e->retired && cycle - first < COLUMNS; cycle++) {
        char c = cycle == e->renamed ? 'r' : cycle == e->retired ? 'R' : cycle < e->done ? '=' : '.';
        line[cycle - first] = cycle == e->done && e->executed ? 'D' : c;
    }
    for (unsigned end = COLUMNS; end && line[end - 1] == ' '; end--) line[end - 1] = '\0';
}

static void print_turns(struct monitor *monitor, const struct block_shown *b, const struct explained *e) {
    char line[COLUMNS + 1];
    uint64_t first = e->renamed;
    print_in(monitor, BOLD, "turn  %-*s  slots  cycles from the first rename\n", TEXT_COLUMNS, "instruction");
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (unsigned i = 0; i < b->count; i++, e++) {
            draw(e, first, line);
            print(monitor, "%4u  %-*s  %5u  %s\n", turn + 1, TEXT_COLUMNS, b->text[i], e->micro_ops,
                  e->fused ? "(one micro-operation with the one before)" : line);
        }
    }
    print(monitor, "r renamed, = waits and is executed, D done, . waits for those before, R retired; only r and R: "
                   "done at rename\n");
}

static bool explain_block(struct monitor *monitor, struct block_shown *b) {
    struct explained e[TURNS * EXPLAIN_MOST];
    uint64_t hundredths = timing_explain(b->model, b->insn, b->count, TURNS, e);
    if (!hundredths) return monitor_error(monitor, "explain cycles: memory is short");
    print(monitor, "%s: %u instruction%s, %" PRIu64 ".%02" PRIu64 " cycles a turn, when everything is in the L1\n",
          b->model, b->count, b->count == 1 ? "" : "s", hundredths / 100, hundredths % 100);
    print_turns(monitor, b, e);
    return true;
}

bool command_explain(struct monitor *monitor, const char *arguments) {
    struct location place = {.space = SPACE_LINEAR};
    struct block_shown b = {.count = 0};
    uint64_t most = 0;
    char word[16];
    if (!take_word(&arguments, word, sizeof word) || strcmp(word, "cycles"))
        return monitor_error(monitor, "explain: cycles is what can be explained: explain cycles ADDRESS");
    if (!*arguments) {
        if (!view_make(&monitor->look, monitor->look.level, &place.view)) return false;
        place.address = view_code_address(&place.view);
    } else if (!take_place(&monitor->look, &arguments, &place)) {
        return false;
    }
    if (*arguments && (!take_value(&monitor->look, &arguments, &most) || !take_end(&monitor->look, arguments)))
        return false;
    if (most > EXPLAIN_MOST) return monitor_error(monitor, "explain cycles: at most %d instructions", EXPLAIN_MOST);
    uint32_t timing = machine_configuration(monitor->look.machine)->timing;
    b.model = timing_model_name(timing ? timing - 1 : 0, NULL);
    return block_take(monitor, &place, (unsigned)most, &b) && explain_block(monitor, &b);
}
