# guest turtles depth=2
# Going back by what was done: instructions of a level and a function, calls, VM exits and entries, stops; and undo.
undo
run-to 1000000
reverse-step -l 0
reverse-step -l 9
reverse-stepexit
reverse-stepexit 3
reverse-stepentry
undo
undo
undo
goto end
reverse-finish
reverse-finish
reverse-next
undo
break vmcs_new
watch u64[phys:0x10ffa0]
reverse-stepexit
reverse-step -l 1
undo
undo
goto 645000
reverse-continue
reverse-continue
info breakpoints
reverse-finish
finish
reverse-next
reverse-next 3
next
reverse-next
delete
tbreak start
goto 400000
reverse-continue
info breakpoints
goto 500
reverse-next
goto 3
reverse-next 5
reverse-finish
reverse-stepexit
reverse-stepentry
reverse-step -l 1
goto 100+20
goto 1+x
catch interrupt
goto end
run-to 2300000
continue
reverse-continue
info breakpoints
reverse-next 2
goto end
live
diff
hash
delete
first activity == 1
goto 1823160+1000
print /u cycles
goto 1823160+500
print /u cycles
reverse-step
step
print /u cycles
goto 1823160+900000000
