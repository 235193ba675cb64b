// A PC that boots Linux: KVM's interrupt controllers and timer, a serial console, ACPI power-off.
#ifndef KVM_MINI_PC_H
#define KVM_MINI_PC_H

// kvm-mini -kernel FILE [-initrd FILE] [-append WORDS] [-m MIB] [-smp N]: 0 when the guest switched itself off.
int pc_main(int argc, char **argv);
#endif
