// Which instruction rows a test had executed: linked into every test, idle unless ROWS=FILE is set. Every row that is
// bound to a handler is noted (cpu/engine/bind.h), and appended to the file at the end; tests/law/long_rows.sh adds
// them up.
#include "cpu/engine/bind.h"
#include "cpu/decode/insn.h"
#include "vmx/vmcs/vmx.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_MOST = 4096 };
static uint8_t bound[2][ROWS_MOST];

bool __real_op_bind(const struct cpu *cpu, const struct insn *insn, enum decode_error error, unsigned offset,
                    struct op *op, struct bound *made);
bool __wrap_op_bind(const struct cpu *cpu, const struct insn *insn, enum decode_error error, unsigned offset,
                    struct op *op, struct bound *made);

bool __wrap_op_bind(const struct cpu *cpu, const struct insn *insn, enum decode_error error, unsigned offset,
                    struct op *op, struct bound *made) {
    const struct row_set sets[] = {cpu_rows, vmx_rows};
    for (unsigned s = 0; s < 2 && error == DECODE_OK; s++)
        if (insn->row >= sets[s].rows && insn->row < sets[s].rows + sets[s].count)
            bound[s][insn->row - sets[s].rows] = 1;
    return __real_op_bind(cpu, insn, error, offset, op, made);
}

static void print(FILE *file, const struct insn_row *row, const char *word) {
    fprintf(file, "%s\t%s\t%s\t%s\n", word, row->encoding, row->mnemonic, row->operands);
}

__attribute__((destructor)) static void rows_write(void) {
    const struct row_set sets[] = {cpu_rows, vmx_rows};
    const char *path = getenv("ROWS");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    for (unsigned s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < sets[s].count && i < ROWS_MOST; i++) {
            print(file, &sets[s].rows[i], "row");
            if (bound[s][i]) print(file, &sets[s].rows[i], "executed");
        }
    }
    fclose(file);
}
