# make timing BLOCKS=file.csv: blocks measured on silicon, through the model and llvm-mca. MODEL=skylake-sp: another one.
$(O)/tests/timing/tool_blocks: $(O)/obj/tests/timing/tool_blocks.o $(O)/obj/tests/timing/blocks.o $(O)/obj/tests/tap.o $(O)/libvmxray.a
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(link) -o $@ $^ -lm
MODEL ?= golden-cove
.PHONY: timing
timing: $(O)/tests/timing/tool_blocks
	@$(O)/tests/timing/tool_blocks $(BLOCKS) $(MODEL) -v | tests/timing/beside.sh $(MODEL)
$(O)/tests/timing/test_rules: TEST_LIBS += -lm
