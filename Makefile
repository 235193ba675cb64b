# vmxray: build, run, test.  GNU make.  `make help` lists the targets.
#
# Variables: CC=clang   the other compiler          SAN=1   ASan + UBSan, assertions
#            COV=1      coverage counters           WERROR=1 warnings are errors
#            V=1        show the commands
#            O=DIR      where objects go (one directory per variant by default)
#            NEED=check nothing is installed that is missing: make says what, and ends
#            TESTS=...  only tests whose name contains one of these words, e.g. TESTS="law cpu/"; -word leaves out
#
# Sources are found by wildcard: a new cpu/ROOM/*.c, vmx/ROOM/*.c, devices/ROOM/*.c or monitor/ROOM/*.c just joins in, and so does a new
# tests/*/test_*.c or tests/*/test_*.sh.  A folder with needs of its own has a rules.mk, which is read here
# (target-specific flags, generated files, which go to $(O)/gen).

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar

variant := $(if $(findstring clang,$(CC)),clang) $(if $(SAN),san) $(if $(COV),cov)
space   := $(subst ,, )
O       := o$(if $(strip $(variant)),/$(subst $(space),-,$(strip $(variant))))
GUESTS  ?= o/guests
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
ZSHDIR  ?= $(PREFIX)/share/zsh/site-functions

# ---- flags ----------------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wformat=2 -Wimplicit-fallthrough
# -ffp-contract=off: what the compiler may fuse differs by host, and the machine may not. -fno-math-errno: a square root is
# an instruction, not a call.
CODEGEN  := -O2 -g -fno-plt -fomit-frame-pointer -ffp-contract=off -fno-math-errno -DVMXRAY_TAIL_CALLS=1
ifdef SAN
CODEGEN  := -O1 -g -fno-omit-frame-pointer -ffp-contract=off -fno-math-errno -fsanitize=address,undefined -fno-sanitize-recover=undefined
CODEGEN  += -DVMXRAY_INVARIANTS -DVMXRAY_INSTRUMENTED=1
endif
ifdef COV
CODEGEN  := -O1 -g -ffp-contract=off -fno-math-errno --coverage -DVMXRAY_INSTRUMENTED=1
endif

# With SOURCE_DATE_EPOCH, which asks for a build that can be reproduced, debug information does not name the folder either.
ifdef SOURCE_DATE_EPOCH
CODEGEN  += -ffile-prefix-map=$(CURDIR)=.
endif

CFLAGS   ?=
flags    := -std=gnu2x $(CODEGEN) $(WARNINGS) -I. -I$(O)/gen $(CPPFLAGS) $(CFLAGS)
link     := $(filter -fsanitize=% --coverage,$(CODEGEN)) $(CFLAGS) $(LDFLAGS)
compile   = $(CC) $(flags) $(if $(WERROR),-Werror) -MMD -MP

# A word and a name for each step; V=1 shows the command itself.
quiet     = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

MONITOR_LIBS := -ldw -lelf -lZydis -lreadline -lseccomp -lzstd -lpng -lncursesw
TEST_LIBS    := -lZydis -ldw -lelf -lreadline -lseccomp -lzstd -lpng -lncursesw

# ---- program and library --------------------------------------------------------------------------------------------

# Rooms of monitor that belong to the library and obey the core's laws (tests/law: nothing of the host, no variables).
# They print nothing.
CORE_ROOMS      := explain vmcs faults causes
CORE_SOURCES    := $(sort $(wildcard cpu/*/*.c vmx/*/*.c devices/*/*.c $(CORE_ROOMS:%=monitor/%/*.c)))
MONITOR_SOURCES := $(filter-out $(CORE_SOURCES),$(sort $(wildcard monitor/*/*.c)))
CORE_OBJECTS    := $(CORE_SOURCES:%.c=$(O)/obj/%.o) $(O)/obj/cpu/insn/stencils.o
MONITOR_OBJECTS := $(MONITOR_SOURCES:%.c=$(O)/obj/%.o)

.PHONY: all
all: $(O)/libvmxray.a $(O)/vmxray

$(O)/libvmxray.a: $(CORE_OBJECTS) $(O)/core.list
	@rm -f $@
	$(call quiet,AR,$@)$(AR) rcsD $@ $(CORE_OBJECTS)

$(O)/vmxray: $(MONITOR_OBJECTS) $(O)/libvmxray.a
	$(call quiet,LINK,$@)$(CC) $(link) -o $@ $(MONITOR_OBJECTS) $(O)/libvmxray.a $(MONITOR_LIBS)

$(O)/obj/%.o: %.c $(O)/flags | need-build
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(compile) -c -o $@ $<

# Bodies once more, as stencils for the second tier (cpu/engine/stencil.h), by gcc. A build without tail calls has none.
STENCIL_SOURCES := $(if $(findstring clang,$(CC)),,$(if $(findstring VMXRAY_TAIL_CALLS=1,$(filter-out $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),,%),$(CODEGEN))),$(sort $(wildcard cpu/integer/*.c cpu/vector/*.c)) \
                     cpu/branch/branch.c cpu/insn/fuse.c))
STENCIL_OBJECTS := $(STENCIL_SOURCES:%.c=$(O)/stencil/%.o)
stencil_flags   := -w -g0 -fplt -DVMXRAY_STENCIL -fno-pic -fno-pie -mcmodel=kernel -ffunction-sections -fno-ipa-icf -fno-stack-protector \
                   -fno-asynchronous-unwind-tables -fcf-protection=none

$(STENCIL_OBJECTS): $(O)/stencil/%.o: %.c $(O)/flags | need-build
	@mkdir -p $(@D)
	$(call quiet,STEN,$<)$(CC) $(flags) $(stencil_flags) -MMD -MP -c -o $@ $<
$(O)/extract: cpu/engine/extract/extract.c cpu/engine/stencil.h cpu/state/op.h $(O)/flags | need-build
	$(call quiet,CC,$<)$(compile) -o $@ $<
$(O)/gen/stencils.c: $(O)/extract $(STENCIL_OBJECTS)
	@mkdir -p $(@D)
	$(call quiet,GEN,$@)$(O)/extract $(STENCIL_OBJECTS) > $@
$(O)/obj/cpu/insn/stencils.o: $(O)/gen/stencils.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(compile) -c -o $@ $<

# Remember what was asked for last time; a file whose text is unchanged keeps its date.
define remember
@mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef

.PHONY: FORCE
$(O)/flags: FORCE
	$(call remember,$(CC) $(flags))
$(O)/core.list: FORCE
	$(call remember,$(CORE_OBJECTS))

# ---- tests ----------------------------------------------------------------------------------------------------------
#
# tests/DIR/test_X.c is linked with tests/tap.c, tests/rows.c, the other *.c of DIR that are neither tests nor tools
# (tool_*.c), and the library.  tests/DIR/long_X.c and .sh run in `make test-long` only.

TEST_SOURCES   := $(sort $(wildcard tests/*/test_*.c))
LONG_SOURCES   := $(sort $(wildcard tests/*/long_*.c))
TEST_SCRIPTS   := $(sort $(wildcard tests/*/test_*.sh))
LONG_SCRIPTS   := $(sort $(wildcard tests/*/long_*.sh))
TEST_PROGRAMS  := $(TEST_SOURCES:%.c=$(O)/%)
LONG_PROGRAMS  := $(LONG_SOURCES:%.c=$(O)/%)
TEST_DIRS      := $(sort $(patsubst %/,%,$(dir $(TEST_SOURCES) $(LONG_SOURCES))))
support         = $(patsubst %.c,$(O)/obj/%.o,$(filter-out $(1)/test_% $(1)/long_% $(1)/tool_%,$(sort $(wildcard $(1)/*.c))))

define test_rule
$(O)/$(1)/%: $(O)/obj/$(1)/%.o $(call support,$(1)) $(O)/obj/tests/tap.o $(O)/obj/tests/rows.o $(O)/libvmxray.a
	@mkdir -p $$(@D)
	$$(call quiet,LINK,$$@)$$(CC) $$(link) -Wl,--wrap=op_bind -o $$@ $$(filter %.o,$$^) $(O)/libvmxray.a $$(TEST_LIBS)
endef
$(foreach dir,$(TEST_DIRS),$(eval $(call test_rule,$(dir))))
$(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/*/*.c)): | need-test

run_tests = CC='$(CC)' SAN='$(SAN)' COV='$(COV)' O='$(O)' GUESTS='$(GUESTS)' VMXRAY='$(O)/vmxray' TESTS='$(TESTS)' tests/run.sh

# With TESTS= only the programs that have one of its words in their name are built.
words  := $(filter-out -%,$(TESTS))
wanted  = $(if $(words),$(foreach program,$(1),$(if $(strip $(foreach word,$(words),$(findstring $(word),$(program)))),$(program))),$(1))

.PHONY: test test-long tests
tests: $(TEST_PROGRAMS)
test: all $(call wanted,$(TEST_PROGRAMS)) guests
	@$(run_tests) $(TEST_PROGRAMS) $(TEST_SCRIPTS)
test-long: all $(call wanted,$(TEST_PROGRAMS) $(LONG_PROGRAMS)) guests
	@LONG=1 $(run_tests) $(TEST_PROGRAMS) $(TEST_SCRIPTS) $(LONG_PROGRAMS) $(LONG_SCRIPTS)

# ---- guests ---------------------------------------------------------------------------------------------------------

include tests/guests/guests.mk
include tests/guests/turtles/turtles.mk
include tests/guests/below/below.mk
include web/web.mk
include labs/labs.mk
include docs/site/docs.mk

# ---- the rest -------------------------------------------------------------------------------------------------------

# One line for each missing package, then apt-get installs them.
.PHONY: need-build need-test need-guests
need-build:
	@NEED='$(NEED)' CC='$(CC)' scripts/need.sh build
need-test: | need-build
	@NEED='$(NEED)' CC='$(CC)' scripts/need.sh test
need-guests: | need-build
	@NEED='$(NEED)' CC='$(CC)' scripts/need.sh guests

.PHONY: lint install clean help
lint:
	@NEED='$(NEED)' scripts/need.sh lint
	@scripts/lint.sh

$(O)/vmxray.1: $(O)/vmxray scripts/man.sh
	$(call quiet,MAN,$@)scripts/man.sh $(O)/vmxray > $@

$(O)/vmxray-monitor.7: $(O)/vmxray scripts/man-monitor.sh
	$(call quiet,MAN,$@)scripts/man-monitor.sh $(O)/vmxray > $@

$(O)/vmxray.bash: $(O)/vmxray scripts/completion.sh
	$(call quiet,BASH,$@)scripts/completion.sh $(O)/vmxray > $@

$(O)/vmxray.zsh: $(O)/vmxray scripts/completion-zsh.sh
	$(call quiet,ZSH,$@)scripts/completion-zsh.sh $(O)/vmxray > $@

.PHONY: manuals
manuals: $(O)/vmxray.1 $(O)/vmxray-monitor.7 $(O)/vmxray.bash $(O)/vmxray.zsh $(O)/vmxray.pc

install: all manuals
	install -Dm755 $(O)/vmxray $(DESTDIR)$(PREFIX)/bin/vmxray
	install -Dm644 $(O)/vmxray.1 $(DESTDIR)$(PREFIX)/share/man/man1/vmxray.1
	install -Dm644 $(O)/vmxray-monitor.7 $(DESTDIR)$(PREFIX)/share/man/man7/vmxray-monitor.7
	install -Dm644 $(O)/vmxray.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vmxray
	install -Dm644 $(O)/vmxray.zsh $(DESTDIR)$(ZSHDIR)/_vmxray
	install -Dm644 $(O)/libvmxray.a $(DESTDIR)$(LIBDIR)/libvmxray.a
	install -Dm644 $(O)/vmxray.pc $(DESTDIR)$(LIBDIR)/pkgconfig/vmxray.pc
	set -e; for h in $$(CC='$(CC)' scripts/public-headers.sh $(O)/gen); do \
		install -Dm644 $$h $(DESTDIR)$(PREFIX)/include/vmxray/$$h; done

$(O)/vmxray.pc: $(O)/vmxray FORCE
	$(call quiet,PC,$@)printf '%s\n' 'prefix=$(PREFIX)' \
		'libdir=$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))' 'Name: vmxray' \
		'Description: an x86-64 PC with VT-x, in software' "Version: $$($(O)/vmxray -version | sed 's/^vmxray \([^:]*\).*/\1/')" \
		'Cflags: -I$${prefix}/include/vmxray' 'Libs: -L$${libdir} -lvmxray' >$@

# Downloaded packages stay: they are large, and the same tomorrow.
clean:
	@if [ -d o ]; then find o -mindepth 1 -maxdepth 1 ! -name guests -exec rm -rf {} +; fi
	@if [ -d $(GUESTS) ]; then find $(GUESTS) -mindepth 1 -maxdepth 1 ! -name packages -exec rm -rf {} +; fi
	@rm -rf $(filter-out o,$(O))

help:
	@echo 'make            build $(O)/vmxray and $(O)/libvmxray.a'
	@echo 'make run        a small hypervisor runs itself, which runs a guest: two levels; print the account'
	@echo 'make kvm        boot Debian'"'"'s kernel, load its KVM, run a guest under it, print the account'
	@echo 'make nested     KVM runs Debian'"'"'s kernel, whose KVM runs it again; print the account'
	@echo 'make nested-qemu  the same, and Debian'"'"'s QEMU boots the first guest'
	@echo 'make xen        Debian'"'"'s Xen runs Debian'"'"'s kernel as its first domain and in a guest; print the account'
	@echo 'make shell      a prompt in the same machine'
	@echo 'make disk       a Debian on a disk image, $(GUESTS)/debian.img; make desktop opens a window with it'
	@echo 'make below      a hypervisor from a boot sector, below an operating system that boots from the next disk'
	@echo 'make test       every test; test-long adds the long ones; TESTS="word ..." picks by name'
	@echo 'make bench      speed beside QEMU and Bochs, where they are; BOCHS=file, BENCH="word ..."'
	@echo 'make web        the page for browsers, $(O)/web/index.html; web-serve serves it on loopback, test-web tests it'
	@echo 'make docs       the documentation for browsers, $(O)/docs/index.html'
	@echo 'make labs       the labs are built, and their checker; make -C labs/01-vmxon check looks at a student'"'"'s lab'
	@echo 'make mutants    rows and comparisons are changed: the tests must notice; COUNT=500 SEED=1'
	@echo 'make lint       clang-format, clang-tidy, cppcheck'
	@echo 'make install    to PREFIX=$(PREFIX)'
	@echo 'make clean      everything but downloaded packages'
	@echo 'Variables: CC=clang SAN=1 COV=1 WERROR=1 O=dir TESTS=words GUESTS=dir NEED=check'

-include $(wildcard cpu/rules.mk vmx/rules.mk devices/rules.mk monitor/rules.mk tests/*/rules.mk)
-include $(CORE_OBJECTS:.o=.d) $(MONITOR_OBJECTS:.o=.d) $(STENCIL_OBJECTS:.o=.d)
-include $(patsubst %.c,$(O)/obj/%.d,$(wildcard tests/*.c tests/*/*.c))
