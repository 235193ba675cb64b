// newc: writes a cpio archive ("newc" format, as Linux unpacks it for its initramfs) from a list of what is in it.
//
//     newc LIST > ARCHIVE
//
//     dir  PATH MODE              file PATH MODE SOURCE              link PATH TARGET
//
// One entry a line, in the order given; `#` begins a comment. Everything belongs to root and is dated 1 January 1970;
// inode numbers count up: equal contents give equal archives, whoever builds them, wherever.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1024, TYPE_DIR = 0040000, TYPE_FILE = 0100000, TYPE_LINK = 0120000 };

static unsigned entries;
static size_t written;

__attribute__((noreturn)) static void die(const char *what, const char *which) {
    fprintf(stderr, "newc: %s: %s\n", what, which);
    exit(1);
}

static void put(const void *bytes, size_t count) {
    if (count && fwrite(bytes, count, 1, stdout) != 1) die("cannot write", "standard output");
    written += count;
}

static void pad(size_t to) {
    while (written % to) put("", 1);
}

static void entry(const char *path, unsigned mode, const void *bytes, size_t count) {
    char header[111];
    unsigned links = mode & TYPE_DIR && !(mode & TYPE_FILE) ? 2 : 1;
    snprintf(header, sizeof header, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ++entries, mode, 0u,
             0u, links, 0u, (unsigned)count, 0u, 0u, 0u, 0u, (unsigned)strlen(path) + 1, 0u);
    put(header, 110);
    put(path, strlen(path) + 1);
    pad(4);
    put(bytes, count);
    pad(4);
}

static void *contents(const char *source, size_t *count) {
    FILE *file = fopen(source, "rb");
    if (!file) die("cannot open", source);
    char *bytes = NULL;
    size_t room = 0, n;
    *count = 0;
    do {
        if (*count == room) bytes = realloc(bytes, room = room ? 2 * room : 65536);
        if (!bytes) die("no memory for", source);
        n = fread(bytes + *count, 1, room - *count, file);
        *count += n;
    } while (n);
    if (ferror(file)) die("cannot read", source);
    fclose(file);
    return bytes;
}

static void line_entry(char *line) {
    char *word[4] = {0};
    unsigned words = 0;
    for (char *w = strtok(line, " \t\n"); w && *w != '#'; w = strtok(NULL, " \t\n")) {
        if (words == 4) die("too many words after", word[1]);
        word[words++] = w;
    }
    if (!words) return;
    if (words == 3 && !strcmp(word[0], "dir"))
        entry(word[1], TYPE_DIR | (unsigned)strtoul(word[2], NULL, 8), "", 0);
    else if (words == 3 && !strcmp(word[0], "link"))
        entry(word[1], TYPE_LINK | 0777, word[2], strlen(word[2]));
    else if (words == 4 && !strcmp(word[0], "file")) {
        size_t count;
        void *bytes = contents(word[3], &count);
        entry(word[1], TYPE_FILE | (unsigned)strtoul(word[2], NULL, 8), bytes, count);
        free(bytes);
    } else
        die("not an entry", word[0]);
}

int main(int argc, char **argv) {
    char line[LINE];
    if (argc != 2) die("usage", "newc LIST > ARCHIVE");
    FILE *list = fopen(argv[1], "r");
    if (!list) die("cannot open", argv[1]);
    while (fgets(line, sizeof line, list)) line_entry(line);
    fclose(list);
    entries = -1u; // the trailer has inode 0
    entry("TRAILER!!!", 0, "", 0);
    pad(512);
    if (fflush(stdout)) die("cannot write", "standard output");
    return 0;
}
