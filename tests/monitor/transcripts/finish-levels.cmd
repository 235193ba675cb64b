# guest turtles depth=2
# finish stays with its level and its stack: payload, which handles interrupts on another one, never returns.
tbreak field_find
continue
bt
finish
break account_print
run-to 1000000
finish
goto 0
symbols clear
run-to 1000000
finish
