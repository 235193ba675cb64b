# The loaders belong to the program, not to the library.
$(O)/tests/monitor/test_loaders: $(filter-out %/main.o,$(MONITOR_OBJECTS))
