# guest turtles depth=1 bug=loop
# A broken hypervisor: nothing happens any more. What does it do all the time?
run-to 3000000
exits loop
walk @1:gpa:guest_physical_address
quit
