// The names of exit reasons, VM-instruction errors and VMX aborts, from their rows.
#include "vmx/vmcs/vmcs.h"
#include "vmx/vmcs/vmx.h"

static const struct {
    const char *name, *text;
} reasons[VMX_REASONS] = {
#define EXIT(number, name, text) [number] = {#name, text},
#include "vmx/vmcs/exit.def"
#undef EXIT
};

const char *vmx_exit_name(unsigned reason) { return reason < VMX_REASONS ? reasons[reason].name : NULL; }
const char *vmx_exit_text(unsigned reason) { return reason < VMX_REASONS ? reasons[reason].text : NULL; }

const char *vmx_error_text(unsigned number) {
    switch (number) {
#define ABORT(number, name, text)
#define ERROR(number, name, text)                                                                                      \
    case number:                                                                                                       \
        return text;
#include "vmx/vmcs/error.def"
#undef ERROR
#undef ABORT
    default: return NULL;
    }
}

const char *vmx_abort_text(unsigned indicator) {
    switch (indicator) {
#define ERROR(number, name, text)
#define ABORT(number, name, text)                                                                                      \
    case number:                                                                                                       \
        return text;
#include "vmx/vmcs/error.def"
#undef ERROR
#undef ABORT
    default: return NULL;
    }
}
