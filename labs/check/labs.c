// The labs there are: $(O)/gen/labs.def has a row for each folder with a claims.def.
#include "labs/check/claim.h"
#include <stdlib.h>
#include <string.h>

#define LAB(object, folder) extern const struct lab object;
#include "labs.def"
#undef LAB

static const struct lab *const table[] = {
#define LAB(object, folder) &object,
#include "labs.def"
#undef LAB
};

const struct lab *lab_at(unsigned index) { return index < sizeof table / sizeof *table ? table[index] : NULL; }

const struct lab *lab_find(const char *name) {
    const struct lab *lab;
    for (unsigned i = 0; (lab = lab_at(i)); i++)
        if (strcmp(lab->folder, name) == 0 || strtoul(lab->folder, NULL, 10) == strtoul(name, NULL, 10)) return lab;
    return NULL;
}
