# guest turtles depth=2
# What the exits of level 2 that cost most cost, piece by piece, under the model of a core and without.
why slow
timing golden-cove
catch exit CPUID if level == 2
continue
delete
continue
why slow
quit
