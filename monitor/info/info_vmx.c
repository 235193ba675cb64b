// Pages about levels, exits and the processor's caches.
#include "cpu/memory/tlb.h"
#include "cpu/engine/block.h"
#include "monitor/info/info.h"
#include "monitor/symbols/symbols.h"
#include "vmx/vmcs/vmx.h"
#include <inttypes.h>

bool info_levels(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct cpu *cpu = look_cpu(&monitor->look);
    if (!cpu->wire.extension) return monitor_error(monitor, "info levels: this processor has no VT-x");
    if (!vmx_in_operation(cpu)) print(monitor, "outside VMX operation\n");
    unsigned running = vmx_level(cpu);
    for (unsigned level = 0; level < VMX_LEVELS; level++) {
        struct view view;
        char name[160];
        uint64_t vmcs = vmx_level_vmcs(cpu, level);
        if (level && level != running && vmcs == VMX_NO_VMCS) continue;
        if (!view_make(&monitor->look, (int)level, &view)) continue;
        print_in(monitor, level == running ? BOLD : PLAIN, "%c level %u", level == running ? '*' : ' ', level);
        print(monitor, "  %-21s RIP %016" PRIx64, view_mode(&view), view.rip);
        if (*symbols_name(monitor->look.symbols, (int)level, view_code_address(&view), name, sizeof name))
            print_in(monitor, YELLOW, " <%s>", name);
        print(monitor, "\n           CR3 %016" PRIx64, view.cr3);
        if (view.vmcs != VMX_NO_VMCS) print(monitor, "  VMCS %" PRIx64, view.vmcs);
        if (view.eptp) print(monitor, "  EPTP %" PRIx64, view.eptp);
        if (level) print(monitor, "  entries %" PRIu64, vmx_entry_count(cpu, level));
        print(monitor, "\n");
    }
    return true;
}

bool info_exits(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct cpu *cpu = look_cpu(&monitor->look);
    if (!cpu->wire.extension) return monitor_error(monitor, "info exits: this processor has no VT-x");
    print(monitor, "%5s  %-22s %12s %18s\n", "level", "VM exit", "count", "cycles until entry");
    for (unsigned level = 0; level < VMX_LEVELS; level++) {
        for (unsigned reason = 0; reason < VMX_REASONS; reason++) {
            uint64_t count = vmx_exit_count(cpu, level, reason);
            if (!count) continue;
            print(monitor, "%5u  %-22s %12" PRIu64 " %18" PRIu64 "\n", level, vmx_exit_name(reason), count,
                  vmx_exit_cycles(cpu, level, reason));
        }
        if (vmx_entry_count(cpu, level))
            print(monitor, "%5u  %-22s %12" PRIu64 "\n", level, "(VM entries)", vmx_entry_count(cpu, level));
    }
    if (vmx_failed_entry_count(cpu))
        print(monitor, "       %-22s %12" PRIu64 "\n", "(VM entries failed)", vmx_failed_entry_count(cpu));
    return true;
}

static unsigned translations(const struct tlb_entry *entry, unsigned count, const struct tlb_context *context) {
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        bool global = entry[i].page & TLB_GLOBAL;
        n += !(entry[i].tag & 1) && entry[i].generation == (global ? context->global_generation : context->generation);
    }
    return n;
}

static unsigned structures(const struct tlb_structure *s, unsigned n, const struct tlb_context *context) {
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++) count += !(s[i].tag & 1) && s[i].generation == context->pde_generation;
    return count;
}

bool info_tlb(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    const struct tlb *tlb = look_cpu(&monitor->look)->tlb;
    print(monitor, "  VPID   PCID   EPTP               data  fetch  PDE\n");
    for (unsigned c = 0; c < TLB_CONTEXTS; c++) {
        const struct tlb_context *context = &tlb->context[c];
        unsigned data = 0, fetch = 0, pde = 0;
        if (!context->used) continue;
        for (unsigned b = 0; b < TLB_BANKS; b++) {
            data += translations(tlb->bank[b].data, TLB_WAYS * TLB_DATA, context);
            fetch += translations(tlb->bank[b].fetch, TLB_WAYS * TLB_FETCH, context);
            pde += structures(tlb->bank[b].pde, TLB_PDE, context);
            pde += structures(tlb->bank[b].pdpte, TLB_PDPTE, context);
        }
        print(monitor, "%c %-5u  ", c == tlb->current ? '*' : ' ', context->vpid);
        print(monitor, context->pcid == TLB_PCID_NONE ? "none   " : "%-5u  ", context->pcid);
        print(monitor, "%016" PRIx64 "  %5u  %5u  %3u\n", context->eptp & ~(uint64_t)1, data, fetch, pde);
    }
    return true;
}

bool info_blocks(struct monitor *monitor, const struct info_page *page, const char *arguments) {
    (void)page, (void)arguments;
    uint64_t built, emptied, invalidated;
    block_cache_counts(look_cpu(&monitor->look), &built, &emptied, &invalidated);
    print(monitor, "blocks built %" PRIu64 ", invalidated by stores %" PRIu64 ", cache emptied %" PRIu64 " times\n",
          built, invalidated, emptied);
    return true;
}
