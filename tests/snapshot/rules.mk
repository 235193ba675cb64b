# A busy machine; and loaders and compression, which belong to the program, not to the library.
snapshot_programs := $(O)/tests/snapshot/test_snapshot $(O)/tests/snapshot/test_positions $(O)/tests/snapshot/long_positions \
                     $(O)/tests/snapshot/test_damage $(O)/tests/snapshot/long_damage
$(snapshot_programs): $(O)/obj/tests/devices/busy.o $(filter-out %/main.o,$(MONITOR_OBJECTS))
