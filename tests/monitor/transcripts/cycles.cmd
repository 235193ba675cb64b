# guest vmx -timing golden-cove
# What the timing model of a core counts.
step 40
info cycles
explain cycles
explain cycles _start, 6
explain
