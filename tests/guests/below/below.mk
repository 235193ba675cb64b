# turtles below an operating system: a disk whose boot sector loads it. With parts of turtles, built with gcc as it is.
BELOW        := $(O)/below.img
below        := tests/guests/below
below_out    := $(O)/below
below_shared := $(addprefix $(turtles)/,boot.S account.c console.c fields.c interrupt.c memory.c)
below_sources := $(sort $(filter-out $(below)/loader.S,$(wildcard $(below)/*.S $(below)/*.c))) $(below_shared)

test test-long: $(BELOW)

# It boots the small disk of tests/guests/disk/tiny.sh.
.PHONY: below
below: all $(BELOW) $(GUESTS)/tiny.img
	@$(O)/vmxray -machine pc -m 512 -drive file=$(BELOW),format=raw -drive file=$(GUESTS)/tiny.img,format=raw -nographic -no-reboot

$(below_out)/below.elf: $(below_sources) $(wildcard $(below)/*.h $(turtles)/*.h $(turtles)/*.def) $(below)/below.ld | need-turtles
	@mkdir -p $(@D)
	$(call quiet,GUEST,$@)$(GUEST_CC) $(turtles_flags) -I$(turtles) -T $(below)/below.ld -o $@ $(below_sources)
$(below_out)/image: $(below_out)/below.elf
	$(call quiet,GUEST,$@)objcopy -O binary -j .image $< $@
$(below_out)/loader: $(below)/loader.S $(below_out)/image
	$(call quiet,GUEST,$@)$(GUEST_CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-Ttext=0x7c00 -Wl,--oformat=binary \
		-Wl,-e,begin -DIMAGE_SECTORS=$$(($$(wc -c <$(below_out)/image) / 512)) -o $@ $<
$(BELOW): $(below_out)/loader $(below_out)/image
	@cat $^ > $@ && truncate -s 1M $@
