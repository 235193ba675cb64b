# guest spin
help trace
trace
trace bogus=t.txt
trace exits
trace instructions=t.txt level 12
trace instructions=t.txt from 5 to 4
trace instructions=t.txt until 4
trace instructions,io=/no/such/folder/t.txt
trace instructions=t.txt level 0
trace exits=t.stat
trace
step 3
trace
trace stop
trace
