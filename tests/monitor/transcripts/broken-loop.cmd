# guest turtles depth=1 bug=loop
# A broken hypervisor: nothing happens any more. What does it do all the time?
tcatch exit if step > 3000000
continue
exits loop
walk @1:gpa:guest_physical_address
quit
