# guest turtles depth=2
# Going back: by steps, to marks, to the last stop; a change makes the present anew.
history
mark start
run-to 180260
reverse-step
reverse-step 5
goto -1000
goto end
goto 180261
reverse-step 180261
catch exit
goto start
continue
continue
reverse-continue
reverse-continue
info breakpoints
goto end
mark
goto 160379
set rax = 5
print rax
branch
set rax = 5
history
reverse-step
goto end
print rax
branch
goto nowhere
mark 12
mark ""
goto
