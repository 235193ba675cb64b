# make mutants: rows and comparisons are changed, and the tests must notice.
MUTATE_OBJECTS := $(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/mutants/*.c))

$(O)/tests/mutants/tool_mutate: $(MUTATE_OBJECTS)
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(link) -o $@ $(MUTATE_OBJECTS)

.PHONY: mutants
mutants: $(O)/tests/mutants/tool_mutate | need-test
	@CC='$(CC)' CODEGEN='$(CODEGEN)' LDFLAGS='$(LDFLAGS)' O='$(O)' tests/mutants/mutants.sh
