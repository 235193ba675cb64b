# guest vmx
# Running: each way to let the guest go, and what is said where it stops.
symbols vmx
where
step
step 3

next
next 2
until ecx == 3
p step
stepentry
step
stepexit
step -l 1
step -l 0
stepentry
stepexit 2
level
run-to 2200
run-to 2250
step -l 9
step 1 2
step bogus
run-to 5
run-to
until
until bogus
until eax / 0
finish
continue
where
step
finish
until eip == 0
quit
