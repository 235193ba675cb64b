// Lab 14: what is given beside labs/lib: a hypervisor for a hypervisor, as lab 12 made it.
#include "lab.h"

extern uint64_t vmcs01; // what level 1 runs with: the current VMCS when your functions are called, and when they return
extern uint64_t vmcs12[]; // level 1's VMCS for level 2, by index
#define FIELD12(encoding) vmcs12[field_index(encoding)]
unsigned field_index(uint64_t encoding);

void nested_run(void); // runs level 1 until it is done. It calls:
// --- yours, in lab.c ---
void shadow_begin(void);   // once, before level 1 runs
void shadow_to_12(void);   // level 1 has executed VMLAUNCH or VMRESUME: vmcs12 is what vmcs02 is made of
void shadow_from_12(void); // a VM exit of level 2 has been written to vmcs12: level 1 will read it

#define EACH(list, encoding)                                                                                           \
    for (unsigned i_ = 0, encoding; i_ < sizeof(list) / sizeof *(list) && (encoding = (list)[i_], true); i_++)
