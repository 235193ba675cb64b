# The page: core, history, explain and monitor as WebAssembly, in one HTML file. Debian's clang for WebAssembly is needed
# for it alone (scripts/need.sh web), and for nothing else here.
WEB       := $(O)/web
WEB_CC    ?= clang-19
WEB_NODE  ?= node
web_flags := --target=wasm32-wasi -isystem web/include -isystem /usr/include/wasm32-wasi -mtail-call -msimd128 \
             -std=gnu2x -O2 -ffp-contract=off -fno-math-errno -fno-stack-protector -DVMXRAY_TAIL_CALLS=1 $(WARNINGS) \
             -Wno-shorten-64-to-32 -Wno-enum-enum-conversion -I. -I$(O)/gen

# What needs a host, or a library that is not there: web/ has other files in the place of those that the rest calls.
web_absent := $(wildcard monitor/jail/*.c monitor/gdb/*.c monitor/moving/*.c monitor/screen/*.c monitor/disk/*.c monitor/files/*.c \
              monitor/host/*.c monitor/program/*.c) $(addprefix monitor/,session/crowd.c session/workers.c show/copied.c \
              show/disassemble.c symbols/symbols_dwarf.c symbols/frames.c symbols/symbols_export.c)
web_present := $(addprefix monitor/,screen/mouse.c screen/sendkey.c disk/drive_option.c files/complaint.c files/escape.c files/folder.c \
               host/console.c host/host_clock.c host/output.c host/parse.c host/progress.c program/cpu_option.c \
               program/device_option.c program/display_option.c program/firmware_option.c program/options.c \
               program/options_take.c program/rows.c program/self_explain.c)
WEB_SOURCES := $(CORE_SOURCES) $(filter-out $(web_absent),$(MONITOR_SOURCES)) $(web_present) $(sort $(wildcard web/*.c))
WEB_OBJECTS := $(WEB_SOURCES:%.c=$(WEB)/obj/%.o)

.PHONY: web need-web
web: $(WEB)/index.html
need-web: | need-build
	@NEED='$(NEED)' scripts/need.sh web

$(WEB)/obj/%.o: %.c | need-web $(O)/gen/device_rows.def
	@mkdir -p $(@D)
	$(call quiet,WASM,$<)$(if $(findstring ccache,$(CC)),ccache) $(WEB_CC) $(web_flags) $(if $(WERROR),-Werror) -MMD -MP -c -o $@ $<

$(WEB)/vmxray.wasm: $(WEB_OBJECTS)
	$(call quiet,LINK,$@)$(WEB_CC) --target=wasm32-wasi -fuse-ld=lld -mexec-model=reactor -Wl,--strip-all -Wl,-z,stack-size=1048576 \
		-Wl,--max-memory=4294967296 -o $@ $(WEB_OBJECTS)

# Everything in one file; the guests that come with it too.
web_page := $(addprefix web/,build.js page.html page.css wasi.js worker.js words.js draw.js page.js)
$(WEB)/index.html: $(WEB)/vmxray.wasm $(TURTLES) $(web_page)
	$(call quiet,PAGE,$@)$(WEB_NODE) web/build.js $@ $(WEB)/vmxray.wasm $(TURTLES)

# Of what is compiled natively too: tests/law/test_page.sh.
.PHONY: web-natively
web-natively:
	@printf '%s\n' $(filter-out web/%,$(WEB_SOURCES))

.PHONY: web-serve
web-serve: web
	@$(WEB_NODE) web/serve.js $(WEB) $(PORT)

-include $(WEB_OBJECTS:.o=.d)

# The tests of the page, after it is built; `make test` has them skipped where it is not.
.PHONY: test-web
test-web: web all $(TURTLES)
	@$(subst TESTS='$(TESTS)',TESTS='web/',$(run_tests)) $(filter tests/web/%,$(TEST_SCRIPTS))
