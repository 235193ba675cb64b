# The server belongs to the program, not to the library.
$(O)/tests/gdb/test_packets: $(filter-out %/main.o,$(MONITOR_OBJECTS))
