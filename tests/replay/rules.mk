# The loaders belong to the program, not to the library.
$(O)/tests/replay/test_interleaved: $(filter-out %/main.o,$(MONITOR_OBJECTS))
