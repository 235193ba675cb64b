// What was seen, in words.
#include "monitor/show/sight.h"
#include "monitor/explain/msr_name.h"
#include "monitor/symbols/symbols.h"
#include "vmx/vmcs/vmx.h"
#include "cpu/memory/tlb.h"
#include <inttypes.h>
#include <stdio.h>

static const char *reason_name(uint64_t reason) {
    const char *name = vmx_exit_name((unsigned)(reason & UINT16_MAX));
    return name ? name : "?";
}

static const char *field_name_of(uint32_t encoding) {
    struct vmx_field field;
    for (unsigned i = 0; vmx_field(i, &field); i++)
        if (field.encoding == encoding) return field.name;
    return "?";
}

// ", at RIP 0x1000 <name>", and the end of the line.
static void print_at(const struct look *look, const struct sight *s, unsigned level) {
    char name[160];
    print(look, ", at RIP 0x%" PRIx64, s->rip);
    if (*symbols_name(look->symbols, (int)level, s->rip, name, sizeof name)) print(look, " <%s>", name);
    print(look, "\n");
}

static void print_exit(const struct look *look, const struct sight *s, unsigned level) {
    print(look, "VM exit %s from level %u, qualification 0x%" PRIx64, reason_name(s->number), level, s->value);
    unsigned reason = s->number & UINT16_MAX;
    if (s->old >> 31 & 1) print(look, ", vector %u", (unsigned)(s->old & 0xff));
    if (reason == EXIT_EPT_VIOLATION || reason == EXIT_EPT_MISCONFIGURATION)
        print(look, ", guest-physical 0x%" PRIx64, s->physical);
    if (reason == EXIT_EPT_VIOLATION && s->value >> 7 & 1) print(look, ", linear 0x%" PRIx64, s->linear);
    print_at(look, s, level);
}

static void print_failed(const struct look *look, const struct sight *s) {
    const char *text = s->number >> 31 ? vmx_exit_text(s->number & UINT16_MAX) : vmx_error_text(s->number);
    print(look, "VM entry failed: %s (%u)",
          text        ? text
          : s->number ? "?"
                      : "VMfailInvalid: no current VMCS",
          s->number & UINT16_MAX);
    if (s->number >> 31) print(look, ", qualification 0x%" PRIx64, s->value);
    print(look, "\n");
}

static void print_msr(const struct look *look, const struct sight *s, bool write, unsigned level) {
    const char *name = msr_name(s->number);
    print(look, "%s 0x%x %s, value 0x%" PRIx64, write ? "WRMSR" : "RDMSR", s->number, name ? name : "", s->value);
    print_at(look, s, level);
}

static void print_access(const struct look *look, const struct sight *s) {
    static const char *const by[] = {"", " by the processor itself (a page walk or VT-x)", " by a device", ", by hand"};
    print(look, "%s of %u byte%s at ", s->write ? "write" : "read", s->size, s->size == 1 ? "" : "s");
    if (s->number)
        print(look, "physical 0x%" PRIx64 "%s: ", s->physical, by[s->number % 4]);
    else
        print(look, "linear 0x%" PRIx64 " (physical 0x%" PRIx64 "): ", s->linear, s->physical);
    if (s->write && s->old != s->value)
        print(look, "0x%" PRIx64 " becomes 0x%" PRIx64 "\n", s->old, s->value);
    else
        print(look, "0x%" PRIx64 "\n", s->value);
}

static void print_mode(const struct look *look, const struct sight *s) {
    static const char *const sizes[] = {"16-bit", "32-bit", "64-bit", "?"};
    print(look, "mode: %s%s, CPL %u\n", sizes[s->number & MODE_CODE_MASK],
          s->number & MODE_VM86        ? ", virtual-8086"
          : s->number & MODE_PROTECTED ? ", protected"
                                       : ", real",
          (s->number & MODE_CPL_MASK) >> MODE_CPL_SHIFT);
}

static void print_flush(const struct look *look, const struct sight *s, unsigned vpid, unsigned pcid) {
    print(look, "TLB flushed: ");
    switch ((enum sight_flush)s->value) {
    case SIGHT_FLUSH_PCID:
        print(look,
              pcid == TLB_PCID_NONE ? "VPID %u but for global pages\n" : "VPID %u, PCID %u, but for global pages\n",
              vpid, pcid);
        break;
    case SIGHT_FLUSH_VPID_BUT_GLOBALS: print(look, "VPID %u, every PCID, but for global pages\n", vpid); break;
    case SIGHT_FLUSH_VPID: print(look, "VPID %u\n", vpid); break;
    case SIGHT_FLUSH_VPIDS: print(look, "every VPID but 0\n"); break;
    case SIGHT_FLUSH_EPTP: print(look, "EPTP 0x%" PRIx64 ", every VPID\n", s->physical); break;
    case SIGHT_FLUSH_EPTPS: print(look, "every EPTP\n"); break;
    }
}

static void print_tlb(const struct look *look, const struct sight *s) {
    unsigned vpid = s->information & UINT16_MAX, pcid = (unsigned)(s->information >> 16);
    if (s->number == SIGHT_TLB_FLUSH) {
        print_flush(look, s, vpid, pcid);
        return;
    }
    print(look, s->number == SIGHT_TLB_PAGE ? "TLB flushed: linear 0x%" PRIx64 : "TLB filled: linear 0x%" PRIx64,
          s->linear);
    if (s->number != SIGHT_TLB_PAGE)
        print(look, " for %s, translation 0x%" PRIx64, s->number == SIGHT_TLB_FETCH ? "fetches" : "data", s->value);
    if (s->physical) print(look, ", EPTP 0x%" PRIx64, s->physical);
    print(look, ", VPID %u\n", vpid);
}

void sight_print(const struct look *look, const struct sight *s, unsigned level) {
    switch (s->kind) {
    case OBSERVE_EXIT: print_exit(look, s, level); break;
    case OBSERVE_ENTRY:
        print(look, "%s into level %u, VMCS 0x%" PRIx64 ", RIP 0x%" PRIx64 "\n", s->number ? "VMLAUNCH" : "VMRESUME",
              level, s->physical, s->value);
        break;
    case OBSERVE_FAILED_ENTRY: print_failed(look, s); break;
    case OBSERVE_EXCEPTION:
        print(look, "exception %u, error code 0x%" PRIx64 ", address 0x%" PRIx64, s->number, s->information, s->value);
        print_at(look, s, level);
        break;
    case OBSERVE_INTERRUPT: print(look, "interrupt %u, before RIP 0x%" PRIx64 "\n", s->number, s->rip); break;
    case OBSERVE_EVENT_INJECTED: print(look, "VM entry delivers vector %u\n", s->number); break;
    case OBSERVE_TRIPLE_FAULT: print(look, "triple fault at RIP 0x%" PRIx64 "\n", s->rip); break;
    case OBSERVE_MSR_READ:
    case OBSERVE_MSR_WRITE: print_msr(look, s, s->kind == OBSERVE_MSR_WRITE, level); break;
    case OBSERVE_IO:
        print(look, "port 0x%x, %u byte%s %s: 0x%" PRIx64, s->number, s->size, s->size == 1 ? "" : "s",
              s->write ? "written" : "read", s->value);
        print_at(look, s, level);
        break;
    case OBSERVE_CPUID:
        print(look, "CPUID leaf 0x%x, subleaf 0x%" PRIx64, s->number, s->information);
        print_at(look, s, level);
        break;
    case OBSERVE_MODE: print_mode(look, s); break;
    case OBSERVE_CONTROL_REGISTER:
        print(look, "CR%u: 0x%" PRIx64 " becomes 0x%" PRIx64, s->number, s->old, s->value);
        print_at(look, s, level);
        break;
    case OBSERVE_VMREAD:
    case OBSERVE_VMWRITE:
        print(look, "%s %s, value 0x%" PRIx64 ", VMCS 0x%" PRIx64, s->kind == OBSERVE_VMREAD ? "VMREAD" : "VMWRITE",
              field_name_of(s->number), s->value, s->physical);
        print_at(look, s, level);
        break;
    case OBSERVE_VMX_INSTRUCTION:
        print(look, "%s, type %" PRIu64 ", operand 0x%" PRIx64 ", VPID %" PRIu64, reason_name(s->number), s->value,
              s->physical, s->information);
        print_at(look, s, level);
        break;
    case OBSERVE_TLB: print_tlb(look, s); break;
    case OBSERVE_WATCHPOINT: print_access(look, s); break;
    case OBSERVE_INSTRUCTION: break; // of a register that is watched: the stop says what changed
    default: print(look, "%s", observe_row(s->kind)->text); print_at(look, s, level);
    }
}
