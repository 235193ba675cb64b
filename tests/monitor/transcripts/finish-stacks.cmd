# guest stacks
# finish in a function that changes to another stack, which lies above its own, and jumps with RET.
tbreak outer
continue
step 4
finish
goto 9
finish
