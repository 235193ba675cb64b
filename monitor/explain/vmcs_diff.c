// vmcs diff A B: the fields in which two VMCSs differ.
#include "monitor/expression/expression.h"
#include "monitor/explain/vmcs.h"
#include <inttypes.h>
#include <stdlib.h>

static void print_side(struct monitor *monitor, const char *mark, enum vmcs_field f, const struct vmcs_image *image) {
    if (!image->known[f]) {
        print(monitor, "  %s %16s\n", mark, "not known");
        return;
    }
    print(monitor, "  %s %*s%0*" PRIx64, mark, 16 - vmcs_digits(f), "", vmcs_digits(f), image->field[f]);
    vmcs_decode(monitor, f, image->field[f]);
    print(monitor, "\n");
}

static bool diff(struct monitor *monitor, const char *arguments, struct vmcs_image *a, struct vmcs_image *b) {
    struct vmx_field row;
    unsigned count = 0;
    if (!vmcs_take(monitor, &arguments, a) || !vmcs_take(monitor, &arguments, b) ||
        !take_end(&monitor->look, arguments))
        return false;
    print(monitor, "- %s\n+ %s\n", a->name, b->name);
    for (unsigned f = 0; vmx_field(f, &row); f++) {
        if (!(a->known[f] && b->known[f]) || a->field[f] == b->field[f]) continue;
        print_in(monitor, BOLD, "%s\n", row.name);
        print_side(monitor, "-", f, a);
        print_side(monitor, "+", f, b);
        count++;
    }
    print(monitor, "%u fields differ\n", count);
    return true;
}

bool vmcs_diff(struct monitor *monitor, const char *arguments) {
    struct vmcs_image *images = calloc(2, sizeof *images);
    bool done = images ? diff(monitor, arguments, &images[0], &images[1]) : monitor_error(monitor, "not enough memory");
    free(images);
    return done;
}
