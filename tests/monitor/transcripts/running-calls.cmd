# guest print
# next passes over calls, finish leaves functions, tbreak stops once.
symbols print
step 4
where
step
tbreak put
continue
finish
next 2
finish
next
next
continue
