# guest turtles depth=2
# The past as a picture; traces of a span of it.
timeline
run-to 1000000
mark here
timeline
catch exit CPUID
timeline from 600000 to 700000
info breakpoints
timeline from 5 to 5
timeline from 2
timeline from 2000000
timeline to 2000000
trace exits=span.txt steps 600000 to 620000
trace exits=span.txt steps 600000 to 2620000
trace exits=span.txt steps 600000
trace exits=span.txt steps 7 to 5
trace exits=span.txt since 5
goto 500000
timeline from 400000 to 600000
where
goto end
hash
