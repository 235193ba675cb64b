# guest turtles depth=2 bug=region
# Mistakes are told at the instruction that makes them; going back takes reports back too.
report
report vmcs=stop
continue
reverse-step 5
report
continue
report off
report
report nothing=stop
report vmcs
quit
