# Guests: Debian's kernel and busybox, downloaded and unpacked under $(GUESTS); kvm-mini; one initramfs for all uses.
# Everything here is the same for all variants of the emulator, and built with gcc. The teaching hypervisor of `make run`
# needs no download and has its rules in turtles/turtles.mk.

GUEST_CC      ?= gcc
guest_flags   := -std=gnu2x -Os -march=x86-64 $(filter-out -Wconversion,$(WARNINGS)) -Itests/guests/kvm-mini
kvm_mini      := tests/guests/kvm-mini
kvm_mini_out  := $(GUESTS)/kvm-mini

INITRAMFS     := $(GUESTS)/initramfs.cpio
NESTED_INITRAMFS := $(GUESTS)/nested.cpio
QEMU_INITRAMFS := $(GUESTS)/qemu.cpio
XEN_INITRAMFS := $(GUESTS)/xen.cpio
GUEST_RUN      = O='$(O)' GUESTS='$(GUESTS)' VMXRAY='$(O)/vmxray' tests/guests/run.sh

NESTED_RUN     = O='$(O)' GUESTS='$(GUESTS)' VMXRAY='$(O)/vmxray' tests/guests/nested.sh

.PHONY: guests kvm shell nested nested-qemu xen
guests: $(GUESTS)/vmlinuz $(INITRAMFS) $(NESTED_INITRAMFS)

kvm: all guests
	@$(GUEST_RUN) kvm
shell: all guests
	@$(GUEST_RUN) shell
nested: all guests
	@$(NESTED_RUN)
nested-qemu: all guests $(QEMU_INITRAMFS)
	@WITH=qemu $(NESTED_RUN)
xen: all guests $(XEN_INITRAMFS)
	@O='$(O)' GUESTS='$(GUESTS)' VMXRAY='$(O)/vmxray' tests/guests/xen.sh

$(GUESTS)/vmlinuz $(GUESTS)/busybox $(GUESTS)/modules/order &: tests/guests/fetch.sh | need-guests
	@tests/guests/fetch.sh $(GUESTS)

$(INITRAMFS): $(GUESTS)/newc tests/guests/initramfs.sh tests/guests/init $(GUESTS)/busybox $(GUESTS)/modules/order \
              $(kvm_mini_out)/kvm-mini
	@tests/guests/initramfs.sh $(GUESTS) > $(GUESTS)/initramfs.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(GUESTS)/initramfs.list > $@

# The same with the kernel in it, for guests that boot guests.
$(NESTED_INITRAMFS): $(INITRAMFS) $(GUESTS)/vmlinuz
	@(cat $(GUESTS)/initramfs.list; echo file vmlinuz 644 $(GUESTS)/vmlinuz) > $(GUESTS)/nested.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(GUESTS)/nested.list > $@

# The same with Debian's QEMU.
$(GUESTS)/qemu/list: tests/guests/fetch-qemu.sh tests/guests/libraries.bash | need-guests
	@tests/guests/fetch-qemu.sh $(GUESTS)
$(GUESTS)/modules-virtio/order: tests/guests/fetch.sh $(GUESTS)/vmlinuz | need-guests
	@tests/guests/fetch.sh $(GUESTS) virtio
$(QEMU_INITRAMFS): $(NESTED_INITRAMFS) $(GUESTS)/qemu/list $(GUESTS)/modules-virtio/order
	@(cat $(GUESTS)/nested.list $(GUESTS)/qemu/list; \
		echo file modules/virtio-order 644 $(GUESTS)/modules-virtio/order; \
		sed 's,.*,file modules/& 644 $(GUESTS)/modules-virtio/&,' $(GUESTS)/modules-virtio/order) > $(GUESTS)/qemu.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(GUESTS)/qemu.list > $@

# The same with modules for disks, for a small disk with GRUB.
DISK_INITRAMFS := $(GUESTS)/disk.cpio
$(GUESTS)/modules-disk/order: tests/guests/fetch.sh $(GUESTS)/vmlinuz | need-guests
	@tests/guests/fetch.sh $(GUESTS) disk
$(GUESTS)/draw: tests/guests/disk/draw.c | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) $(guest_flags) -static -s -o $@ $<
$(DISK_INITRAMFS): $(INITRAMFS) $(GUESTS)/modules-disk/order $(GUESTS)/draw
	@(cat $(GUESTS)/initramfs.list; echo file draw 755 $(GUESTS)/draw; echo file modules/disk-order 644 $(GUESTS)/modules-disk/order; \
		sed 's,.*,file modules/& 644 $(GUESTS)/modules-disk/&,' $(GUESTS)/modules-disk/order) > $(GUESTS)/disk.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(GUESTS)/disk.list > $@
$(GUESTS)/tiny.img: tests/guests/disk/tiny.sh tests/guests/disk/image.bash $(GUESTS)/vmlinuz $(DISK_INITRAMFS) | need-disk
	$(call quiet,GUEST,$@)GUESTS=$(GUESTS) tests/guests/disk/tiny.sh $@

# Debian on a disk, which `make disk` builds and `make desktop` shows.
$(GUESTS)/debian.img: tests/guests/disk/debian.sh tests/guests/disk/image.bash tests/guests/disk/debian.grub tests/guests/disk/inside | need-disk
	$(call quiet,GUEST,$@)tests/guests/disk/debian.sh $@ $(GUESTS)/packages/disk
.PHONY: disk desktop need-disk
need-disk: | need-build
	@NEED='$(NEED)' scripts/need.sh disk
disk: $(GUESTS)/debian.img
desktop: all disk
	@$(O)/vmxray -machine q35 -m 1G -smp 2 $(GUESTS)/debian.img

# The same with Xen's tools and the guests' system, for Debian's general kernel as Xen's first domain.
$(GUESTS)/vmlinuz-general $(GUESTS)/modules-general/order &: tests/guests/fetch.sh | need-guests
	@tests/guests/fetch.sh $(GUESTS) general
$(GUESTS)/xen/list: tests/guests/fetch-xen.sh tests/guests/libraries.bash | need-guests
	@tests/guests/fetch-xen.sh $(GUESTS)
$(XEN_INITRAMFS): $(NESTED_INITRAMFS) $(GUESTS)/xen/list $(GUESTS)/modules-general/order
	@(cat $(GUESTS)/nested.list $(GUESTS)/xen/list; echo file guest.cpio 644 $(INITRAMFS); \
		echo file modules/xen-order 644 $(GUESTS)/modules-general/order; \
		sed 's,.*,file modules/& 644 $(GUESTS)/modules-general/&,' $(GUESTS)/modules-general/order) > $(GUESTS)/xen.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(GUESTS)/xen.list > $@

$(GUESTS)/memtest86+x64.bin $(GUESTS)/memtest86+ia32.bin &: tests/guests/fetch-memtest.sh | need-guests
	@tests/guests/fetch-memtest.sh $(GUESTS)

# A program that asks for performance counters, alone.
$(GUESTS)/counters: tests/guests/counters/init.c | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) $(guest_flags) -static -s -o $@ $<
$(GUESTS)/counters.cpio: $(GUESTS)/counters $(GUESTS)/newc
	@printf 'dir dev 755\nfile init 755 %s\n' $(GUESTS)/counters > $(GUESTS)/counters.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(GUESTS)/counters.list > $@

# The same in a guest of KVM.
$(GUESTS)/counters-kvm.cpio: $(NESTED_INITRAMFS) $(GUESTS)/counters.cpio tests/guests/counters/kvm
	@(grep -v '^file init ' $(GUESTS)/nested.list; echo file init 755 tests/guests/counters/kvm; \
		echo file counters.cpio 644 $(GUESTS)/counters.cpio) > $(GUESTS)/counters-kvm.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(GUESTS)/counters-kvm.list > $@

$(GUESTS)/newc: tests/guests/newc.c | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) -std=gnu2x -O2 $(WARNINGS) -o $@ $<

# kvm-mini contains the image of its 64-bit guest, which is a freestanding program.
$(kvm_mini_out)/long: $(kvm_mini)/entry.S $(kvm_mini)/long.c $(kvm_mini)/long.ld $(kvm_mini)/protocol.h | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) $(guest_flags) -ffreestanding -nostdlib -static -no-pie -fno-pic -fno-stack-protector \
		-fno-asynchronous-unwind-tables -mno-red-zone -mgeneral-regs-only -fcf-protection=none -Wl,--build-id=none \
		-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -T $(kvm_mini)/long.ld -o $@ $(kvm_mini)/entry.S $(kvm_mini)/long.c
$(kvm_mini_out)/long.image: $(kvm_mini_out)/long
	$(call quiet,GUEST,$@)objcopy -O binary -j .image $< $@

kvm_mini_sources := $(addprefix $(kvm_mini)/,kvm-mini.c vm.c pc.c linux.c acpi.c serial.c real.S)
$(kvm_mini_out)/kvm-mini: $(kvm_mini_sources) $(wildcard $(kvm_mini)/*.h) $(kvm_mini_out)/long.image
	$(call quiet,GUEST,$@)$(GUEST_CC) $(guest_flags) -static -s '-DLONG_IMAGE="$(kvm_mini_out)/long.image"' -o $@ \
		-pthread $(kvm_mini_sources)

# Rescue CDs. The one with turtles belongs to the variant of the emulator, as turtles does.
$(O)/rescue/turtles.iso: tests/guests/disk/rescue.sh $(O)/turtles.elf | need-disk
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)O=$(O) GUESTS=$(GUESTS) tests/guests/disk/rescue.sh turtles $@
$(O)/rescue/linux.iso: tests/guests/disk/rescue.sh $(GUESTS)/vmlinuz $(INITRAMFS) | need-disk
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)O=$(O) GUESTS=$(GUESTS) tests/guests/disk/rescue.sh linux $@
$(O)/rescue/xen.iso: tests/guests/disk/rescue.sh $(XEN_INITRAMFS) | need-disk
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)O=$(O) GUESTS=$(GUESTS) tests/guests/disk/rescue.sh xen $@
$(O)/rescue/memtest.iso: tests/guests/disk/rescue.sh $(GUESTS)/memtest86+x64.bin | need-disk
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)O=$(O) GUESTS=$(GUESTS) tests/guests/disk/rescue.sh memtest $@
