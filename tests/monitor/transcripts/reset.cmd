# guest spin
# Words that QEMU's monitor has: stop, system_reset; whether the guest runs.
info version
info status
run-to 100
stop
stop 3
info status
system_reset
info status
run-to 105
hash
goto 50
system_reset
quit
