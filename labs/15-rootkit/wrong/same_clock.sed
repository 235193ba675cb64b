s/return ticks_since\(from\) \* sample > .*/return cycles > TRIES * 500ull + 0 * (sample + from);/
