// tool_mutate TABLE SOURCE TREE: reads the files that TABLE (tests/mutants/rooms) names below SOURCE, writes them with
// their expressions changed below TREE, and the list of all mutants to standard output: number, file, line, context,
// original and changed text, parted by tabs.
#include "tests/mutants/mutate.h"
#include <stdlib.h>
#include <string.h>

enum { ROW_KINDS_MOST = 40, LINE_BYTES = 1000 };

static void fail(const char *what, const char *path) {
    fprintf(stderr, "mutate: %s %s\n", what, path);
    exit(2);
}

static char *read_text(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail("cannot read", path);
    char *text = NULL;
    size_t room = 0;
    if (getdelim(&text, &room, 0, file) < 0) fail("nothing in", path);
    fclose(file);
    return text;
}

static void mutate_file(struct mutator *m, const char *source, const char *tree, const char *name) {
    char from[3 * LINE_BYTES], to[3 * LINE_BYTES];
    snprintf(from, sizeof from, "%s/%s", source, name);
    snprintf(to, sizeof to, "%s/%s", tree, name);
    char *text = read_text(from);
    m->t = tokens_of(text);
    m->file = name;
    m->copy = fopen(to, "w");
    if (!m->copy) fail("cannot write", to);
    if (strstr(name, ".def"))
        copy_rows(m);
    else
        copy_source(m);
    if (fclose(m->copy)) fail("cannot write", to);
    free((void *)m->t);
    free(text);
}

static void read_row_kind(struct row_kind *kind, const char *words) {
    int used;
    if (sscanf(words, "%31s%n", kind->name, &used) != 1) fail("a row without a name:", words);
    for (words += used; kind->count < 4 && sscanf(words, "%u%n", &kind->columns[kind->count], &used) == 1;
         words += used)
        kind->count++;
}

int main(int argc, char **argv) {
    static struct row_kind rows[ROW_KINDS_MOST];
    struct mutator m = {.list = stdout, .rows = rows};
    char line[LINE_BYTES], name[LINE_BYTES];
    if (argc != 4) fail("usage: tool_mutate", "TABLE SOURCE TREE");
    FILE *table = fopen(argv[1], "r");
    if (!table) fail("cannot read", argv[1]);
    while (fgets(line, sizeof line, table)) {
        if (!strncmp(line, "row ", 4) && m.row_kinds < ROW_KINDS_MOST)
            read_row_kind(&rows[m.row_kinds++], line + 4);
        else if (sscanf(line, "file %999s", name) == 1)
            mutate_file(&m, argv[2], argv[3], name);
    }
    fclose(table);
    return 0;
}
