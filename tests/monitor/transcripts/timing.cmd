# guest vmx
# timing NAME: what steps take from here on, an input like any other.
timing
step 20
timing golden-cove
timing
step 10
info cycles
timing step
step 2
timing nothing
goto 25
timing skylake-sp
goto 10
timeline
help timing
quit
