# guest turtles depth=2
# Which functions of which levels run; the steps at which it looks are the same in every run.
profile 1000000 every 9973 stacks.folded
profile 5000 every 1000
profile
profile 0 every 0
profile 10 every
catch exit CPUID if level == 2
profile 100000000
quit
