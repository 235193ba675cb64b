# The teaching hypervisor: a multiboot kernel, built with gcc whatever CC is.
TURTLES       := $(O)/turtles.elf
turtles       := tests/guests/turtles
turtles_flags := -std=gnu2x -Os -g -march=x86-64 $(filter-out -Wconversion,$(WARNINGS)) -ffreestanding -nostdlib -static \
                 -no-pie -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -mno-red-zone -mgeneral-regs-only \
                 -fcf-protection=none -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments
turtles_sources := $(sort $(wildcard $(turtles)/*.S $(turtles)/*.c))

.PHONY: run need-turtles
run: all $(TURTLES)
	@O='$(O)' VMXRAY='$(O)/vmxray' $(turtles)/run.sh

test test-long: $(TURTLES)

need-turtles: | need-build
	@scripts/need.sh turtles
$(TURTLES): $(turtles_sources) $(wildcard $(turtles)/*.h $(turtles)/*.def) $(turtles)/turtles.ld $(turtles)/turtles.mk | need-turtles
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) $(turtles_flags) -T $(turtles)/turtles.ld -o $@ $(turtles_sources)
