# Rounding modes of the host.
$(O)/tests/vector/test_rounding: TEST_LIBS += -lm
