s/return ticks_since\(from\) \* sample > 2 \* SAMPLE \* \(cycles \+ sample \/ 8\)/return ticks_since(from) + cycles + sample > 0/
