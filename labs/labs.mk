# The labs, and the checker that answers them. Their programs are built with gcc, whatever CC is.
#
#   make labs                              checks that each lab's solution passes, and that what is wrong gets its answer
#   make -C labs/03-entry-fails check      what a student says
LAB_FOLDERS := $(notdir $(patsubst %/claims.def,%,$(sort $(wildcard labs/[0-9]*/claims.def))))
LAB_CHECK   := $(O)/labs/check
lab_lib     := $(O)/labs/lib
lab_flags   := -std=gnu2x -O1 -g -march=x86-64 -Wall -Wextra -ffreestanding -nostdlib -static -no-pie -fno-pic -fno-stack-protector \
               -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fno-builtin -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
               -fno-tree-loop-distribute-patterns -I. -Ilabs/lib
lab_link    := -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -T labs/lib/lab.ld
lab_sources := $(sort $(wildcard labs/lib/*.c labs/lib/*.S))
lab_objects := $(lab_sources:labs/lib/%=$(lab_lib)/%.o)
lab_headers := labs/lib/lab.h labs/lib/lab.ld vmx/vmcs/names.h vmx/vmcs/field.def vmx/vmcs/control.def vmx/vmcs/exit.def

$(lab_lib)/%.o: labs/lib/% $(lab_headers) labs/labs.mk | need-turtles
	@mkdir -p $(@D)
	$(call quiet,GUEST,$<)$(GUEST_CC) $(lab_flags) -c -o $@ $<

# $(O)/labs/NN-name/start.elf of labs/NN-name/start/lab.c; wrong/NAME.elf of the solution, changed by wrong/NAME.sed. What
# all programs of a lab share is labs/NN-name/given.c.
define lab_program
@mkdir -p $(@D)
$(call quiet,GUEST,$@)$(GUEST_CC) $(lab_flags) -Ilabs/$(1) $(lab_link) -o $@ $(2) $(wildcard labs/$(1)/given.[cS]) $(lab_objects)
endef
define lab_rules
$(O)/labs/$(1)/%.elf: labs/$(1)/%/lab.c $(wildcard labs/$(1)/given.*) $(lab_objects)
	$$(call lab_program,$(1),$$<)
$(O)/labs/$(1)/wrong/%.c: labs/$(1)/wrong/%.sed labs/$(1)/solution/lab.c
	@mkdir -p $$(@D)
	@sed -E -f $$^ > $$@
$(O)/labs/$(1)/wrong/%.elf: $(O)/labs/$(1)/wrong/%.c $(wildcard labs/$(1)/given.*) $(lab_objects)
	$$(call lab_program,$(1),$$<)
endef
$(foreach lab,$(LAB_FOLDERS),$(eval $(call lab_rules,$(lab))))
LAB_PROGRAMS := $(foreach lab,$(LAB_FOLDERS),$(O)/labs/$(lab)/start.elf $(O)/labs/$(lab)/solution.elf \
                  $(patsubst labs/%.sed,$(O)/labs/%.elf,$(sort $(wildcard labs/$(lab)/wrong/*.sed))))

# --- the checker ---
lab_check_sources := $(filter-out labs/check/lab.c,$(sort $(wildcard labs/check/*.c)))
lab_check_objects := $(lab_check_sources:%.c=$(O)/obj/%.o) $(O)/obj/labs/common.o $(LAB_FOLDERS:%=$(O)/obj/labs/%.o)
lab_name           = lab_$(firstword $(subst -, ,$(1)))
define lab_object
@mkdir -p $(@D)
$(call quiet,CC,$<)$(compile) '-DCLAIMS="$<"' '-DFOLDER="$(1)"' -DLAB=$(2) -c -o $@ labs/check/lab.c
endef
$(O)/obj/labs/common.o: labs/check/common.def labs/check/lab.c $(O)/flags | need-build
	$(call lab_object,common,lab_common)
$(LAB_FOLDERS:%=$(O)/obj/labs/%.o): $(O)/obj/labs/%.o: labs/%/claims.def labs/check/lab.c $(O)/flags | need-build
	$(call lab_object,$*,$(call lab_name,$*))
$(O)/gen/labs.def: FORCE
	$(call remember,$(foreach lab,$(LAB_FOLDERS),LAB($(call lab_name,$(lab)), "$(lab)")))
$(O)/obj/labs/check/labs.o: $(O)/gen/labs.def
$(LAB_CHECK): $(lab_check_objects) $(filter-out %/program/main.o,$(MONITOR_OBJECTS)) $(O)/libvmxray.a
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) $(link) -o $@ $(filter %.o,$^) $(O)/libvmxray.a $(MONITOR_LIBS)
-include $(lab_check_objects:.o=.d)

.PHONY: labs lab-programs lab-check
lab-programs: $(LAB_CHECK) $(LAB_PROGRAMS)
labs: all lab-programs
	@$(subst TESTS='$(TESTS)',TESTS='labs/',$(run_tests)) $(filter tests/labs/%,$(TEST_SCRIPTS))
# The labs are part of the tests, where tests are not picked by other words.
ifneq ($(if $(words),$(findstring labs,$(words)),all),)
test test-long: lab-programs
endif
lab-check: $(LAB_CHECK) $(O)/labs/$(LAB)/$(WHAT).elf
	@$(LAB_CHECK) $(LAB) $(O)/labs/$(LAB)/$(WHAT).elf

# What labs/grade needs: the checker, and the words that build a program of a lab.
.PHONY: lab-tools lab-words
lab-tools: $(LAB_CHECK) $(lab_objects)
lab-words:
	@echo '$(GUEST_CC) -w $(lab_flags) $(lab_link)' && echo '$(lab_objects)'
