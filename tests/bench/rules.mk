# make bench: the measuring guest, its disks for Bochs, and the script that runs them. BOCHS=file names Bochs.

bench_out   := $(GUESTS)/bench
bench_guest := tests/bench/guest
bench_flags := -std=gnu2x -O2 -march=x86-64 -ffreestanding -nostdlib -static -no-pie -fno-pic -fno-stack-protector \
               -fno-asynchronous-unwind-tables -mno-red-zone -mgeneral-regs-only -fcf-protection=none -Wl,--build-id=none \
               -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments $(filter-out -Wconversion,$(WARNINGS))

.PHONY: bench
bench: all guests $(bench_out)/guest $(bench_out)/disk $(bench_out)/boot $(bench_out)/measure $(O)/bench-state $(O)/bench-past $(O)/bench-screen \
       $(bench_out)/programs.cpio $(bench_out)/meter $(bench_out)/drive.cpio $(bench_out)/past.cpio
	@O='$(O)' GUESTS='$(GUESTS)' VMXRAY='$(O)/vmxray' BOCHS='$(BOCHS)' tests/bench/bench.sh $(BENCH)

# A multiboot file must be ELF for 32 bits, whatever its code.
$(bench_out)/guest: $(wildcard $(bench_guest)/*) | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) $(bench_flags) -T $(bench_guest)/guest.ld -o $@.64 $(filter %.S %.c,$^)
	@objcopy -O elf32-i386 $@.64 $@

$(bench_out)/boot: tests/bench/boot.S | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) -m32 -c -o $@.o $<
	@ld -m elf_i386 --oformat binary -Ttext 0x7c00 -e start -o $@ $@.o

$(bench_out)/disk $(bench_out)/measure: $(bench_out)/%: tests/bench/%.c | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) -std=gnu2x -O2 $(WARNINGS) -o $@ $<

# What hashing and saving the state take.
$(O)/bench-state: $(O)/obj/tests/bench/state.o $(O)/libvmxray.a
	$(call quiet,LINK,$@)$(CC) $(link) -o $@ $^

# What going back and asking takes.
$(O)/bench-past: $(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/bench/past/*.c)) $(filter-out %/main.o,$(MONITOR_OBJECTS)) $(O)/libvmxray.a
	$(call quiet,LINK,$@)$(CC) $(link) -o $@ $^ $(MONITOR_LIBS)

# A system that works for ever, or as a guest of a guest.
$(bench_out)/past.cpio: tests/bench/past/init $(NESTED_INITRAMFS)
	@mkdir -p $(@D)
	@sed 's,^file init .*,file init 755 tests/bench/past/init,' $(GUESTS)/nested.list > $(bench_out)/past.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(bench_out)/past.list > $@

# How many pictures a second are seen.
$(O)/bench-screen: $(O)/obj/tests/bench/screen.o $(filter-out %/main.o,$(MONITOR_OBJECTS)) $(O)/libvmxray.a
	$(call quiet,LINK,$@)$(CC) $(link) -o $@ $^ $(MONITOR_LIBS)

# --- the small programs: our own, linked statically, and Debian's, in a system of their own ---
bench_programs := tests/bench/programs
bench_debian   := $(bench_out)/debian
BENCH_INITRAMFS := $(bench_out)/programs.cpio

$(bench_out)/programs: $(wildcard $(bench_programs)/*.c $(bench_programs)/*.h) | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) -std=gnu2x -O2 -march=x86-64 -ffp-contract=off -static -s -pthread -Wall -Wextra -o $@ \
		$(filter %.c,$^) -lm
$(bench_out)/meter: tests/bench/meter.c | need-guests
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) -std=gnu2x -O2 -Wall -Wextra -o $@ $<
$(bench_debian)/list: $(bench_programs)/fetch.sh tests/guests/libraries.bash | need-guests
	@mkdir -p $(@D)
	@$(bench_programs)/fetch.sh $(GUESTS)
$(BENCH_INITRAMFS): $(bench_debian)/list $(bench_out)/programs $(bench_programs)/init $(bench_programs)/programs.tsv \
                    $(GUESTS)/busybox $(GUESTS)/newc
	@(printf 'dir %s 755\n' bin dev proc tmp; echo file init 755 $(bench_programs)/init; \
		echo file bin/busybox 755 $(GUESTS)/busybox; echo file programs.tsv 644 $(bench_programs)/programs.tsv; \
		for applet in sh cat cut echo grep head mount poweroff tr wc; do echo link bin/$$applet busybox; done; \
		cat $(bench_debian)/list; echo file usr/bin/programs 755 $(bench_out)/programs) > $(bench_out)/programs.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(bench_out)/programs.list > $@

# --- reads of disks: Debian's general kernel, which has AHCI, and its modules ---
bench_drive := $(bench_out)/drive.cpio
$(GUESTS)/modules-drives/order: tests/guests/fetch.sh | need-guests
	@tests/guests/fetch.sh $(GUESTS) drives
$(bench_drive): tests/bench/drive/init $(GUESTS)/modules-drives/order $(GUESTS)/busybox $(GUESTS)/newc
	@mkdir -p $(@D)
	@(printf 'dir %s 755\n' bin dev modules proc sys; echo file init 755 tests/bench/drive/init; \
		echo file bin/busybox 755 $(GUESTS)/busybox; \
		for applet in sh dd insmod mount poweroff seq usleep; do echo link bin/$$applet busybox; done; \
		echo file modules/order 644 $(GUESTS)/modules-drives/order; \
		sed 's,.*,file modules/& 644 $(GUESTS)/modules-drives/&,' $(GUESTS)/modules-drives/order) > $(bench_out)/drive.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(bench_out)/drive.list > $@
