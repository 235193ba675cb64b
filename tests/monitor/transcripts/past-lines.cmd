# guest spin
# What if? A moment is gone back to, something is changed, and both lines of the past are compared.
lines
run-to 5000
set rbx = 0x77
run-to 9000
goto 7000
print rbx
branch
set rbx = 0x99
run-to 8000
lines
lines 1
where
run-to 8000
print rbx
run-to 12000
step
print rbx
lines
lines 1
goto end
print rbx
set rbx = 1
lines 7
lines x
diff
diff nowhere nowhere
live
quit
