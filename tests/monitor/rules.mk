# The loaders belong to the program, not to the library.
$(O)/tests/monitor/test_escape $(O)/tests/monitor/test_jail $(O)/tests/monitor/test_loaders $(O)/tests/monitor/test_multiboot2 $(O)/tests/monitor/long_fuzz_loaders $(O)/tests/monitor/test_commands $(O)/tests/monitor/test_history $(O)/tests/monitor/test_asking $(O)/tests/monitor/test_kernels: $(filter-out %/main.o,$(MONITOR_OBJECTS))
