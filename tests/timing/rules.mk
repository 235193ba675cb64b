# make timing BLOCKS=file.csv: blocks measured on silicon, through the model and llvm-mca. MODEL=skylake-sp: another one.
$(O)/tests/timing/tool_blocks: $(O)/obj/tests/timing/tool_blocks.o $(O)/obj/tests/timing/blocks.o $(O)/obj/tests/tap.o $(O)/libvmxray.a
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(link) -o $@ $^ -lm
MODEL ?= golden-cove
.PHONY: timing
timing: $(O)/tests/timing/tool_blocks
	@$(O)/tests/timing/tool_blocks $(BLOCKS) $(MODEL) -v | tests/timing/beside.sh $(MODEL)
$(O)/tests/timing/test_rules: TEST_LIBS += -lm

# make turtles-tables: what exits of guests of Debian's KVM cost on the model, beside the Turtles paper's figures.
turtles_tables := tests/timing/turtles
$(GUESTS)/turtles-tables.cpio: $(turtles_tables)/cost.c $(turtles_tables)/init $(NESTED_INITRAMFS) $(GUESTS)/newc
	$(call quiet,GUEST,$(GUESTS)/cost)$(GUEST_CC) $(guest_flags) -static -s -o $(GUESTS)/cost $(turtles_tables)/cost.c
	@(grep -v '^file init ' $(GUESTS)/nested.list; echo file init 755 $(turtles_tables)/init; \
	  echo file bin/cost 755 $(GUESTS)/cost) > $(GUESTS)/turtles-tables.list
	$(call quiet,GUEST,$@)$(GUESTS)/newc $(GUESTS)/turtles-tables.list > $@
.PHONY: turtles-tables
turtles-tables: $(O)/vmxray $(GUESTS)/turtles-tables.cpio
	@tests/timing/turtles-tables.sh
