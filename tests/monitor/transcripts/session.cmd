# guest print
# The session itself.
help step
help catch
h q
help nothing
echo some   text
ste
bogus
stap
bt
step 10
stats
source inner.cmd
source nothing.cmd
source
echo # not a comment
# a comment

where now
quit
echo not reached
