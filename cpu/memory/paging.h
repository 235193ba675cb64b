// Translation of linear addresses: TLB, then the paging structures. SDM Vol. 3A, chapter 4.
#ifndef CPU_PAGING_H
#define CPU_PAGING_H
#include "cpu/state/cpu.h"
#include "cpu/memory/tlb.h"

struct translation_access {
    enum access_class class;
    bool write, fetch;
};
// *page: host-physical page address | TLB_ bits. OUT_FAULT: #PF recorded with the error code; OUT_VMEXIT: EPT.
enum outcome translate(struct cpu *cpu, uint64_t linear, const struct translation_access *access, uint64_t *page);
// Reads the four PDPTEs of PAE paging at cr3 into pdpte[]; false: a reserved bit is set (#GP(0) in MOV CR3, CR0, CR4).
enum outcome paging_load_pdptes(struct cpu *cpu, uint64_t cr3, uint64_t pdpte[4], bool *valid);

#endif
