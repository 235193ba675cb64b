# MPFR judges the transcendental instructions.
$(O)/tests/float/test_transcendental: TEST_LIBS += -lmpfr -lgmp
$(O)/tests/float/test_reciprocal: TEST_LIBS += -lm
