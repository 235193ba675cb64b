// The checker of the labs: check [-json] [-jail] [-list] LAB FILE.elf
//
// It ends with 0 when all exercises are done, 1 when not, 2 when FILE is no program or the words are wrong, 3 when the
// jail has ended it.
#include "labs/check/claim.h"
#include "monitor/files/complaint.h"
#include "monitor/files/files.h"
#include "monitor/files/signals.h"
#include "monitor/jail/jail.h"
#include <stdio.h>
#include <string.h>

enum { PASSED, NOT_YET, WRONG, JAILED };
struct wish {
    bool json, jail, list;
    const char *lab, *file;
};

static bool take_words(struct wish *w, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-json") == 0)
            w->json = true;
        else if (strcmp(argv[i], "-jail") == 0)
            w->jail = true;
        else if (strcmp(argv[i], "-list") == 0)
            w->list = true;
        else if (!w->lab)
            w->lab = argv[i];
        else if (!w->file)
            w->file = argv[i];
        else
            return false;
    }
    return w->list || (w->lab && w->file);
}

static int list(struct output *o) {
    const struct lab *lab;
    for (unsigned i = 0; (lab = lab_at(i)); i++)
        output_print(o, PLAIN, "%s\t%s\t%s\n", lab->folder, lab->start, lab->setup.title);
    output_flush(o);
    return PASSED;
}

// From here on nothing of the host can be reached, whatever the program does to this one.
static bool close_jail(void) {
    char why[200];
    return jail_close(JAIL_BASE | JAIL_NAMES, JAILED, why, sizeof why) || complain("-jail: %s", why);
}

static int check(const struct wish *w, const struct lab *lab, struct output *o) {
    static struct trial trial;
    int status = WRONG;
    if (trial_open(&trial, w->file) && (!w->jail || close_jail()) && trial_load(&trial, &lab->setup)) {
        trial_go(&trial, &lab->setup);
        const struct verdict verdict = verdict_of(lab, &trial);
        (w->json ? answer_json : answer_print)(o, &trial, &verdict);
        output_flush(o);
        status = verdict.claim ? NOT_YET : PASSED;
    }
    trial_close(&trial);
    return status;
}

int main(int argc, char **argv) {
    struct wish w = {.lab = NULL};
    struct output o = {.fd = 1};
    files_hold_streams();
    signals_open();
    output_suit_person(&o);
    o.pages = false;
    if (!take_words(&w, argc, argv)) return complain("check [-json] [-jail] LAB FILE.elf, or check -list"), WRONG;
    if (w.list) return list(&o);
    const struct lab *lab = lab_find(w.lab);
    if (!lab) return complain("%s: there is no such lab (check -list)", w.lab), WRONG;
    const int status = check(&w, lab, &o);
    output_free(&o);
    return status;
}
