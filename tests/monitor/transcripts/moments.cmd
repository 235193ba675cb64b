# guest turtles depth=2
# The first and the last moment at which something holds, and every value that something had; the present stays where it is.
run-to 1000000
values GUEST_RIP from 684000 to 704000
values phys:0x11a000, 4
values u64[rsp] from 740000
values rax from 999000
values pit.counter[0].mode
values @0:rip from 494631 to 494639
values @2:rip from 494629 to 494644
values @0:rbx from 494609 to 494639
when-written @0:rip
when-written @2:rip before 494639
origin @0:rip
goto 494635
values @0:rip from 494631 to 494639
values @2:rip from 494629 to 494644
goto end
first level == 2
last level == 0
last reason == EXIT_REASON
first reason == CPUID && level == 0
first rip == payload
last rip == payload + 0xde
first u64[phys:0x11a000] != 0
first @1:rip == 0x100270
first step == 777
first 1 == 0 to 5000
last cr3 == 0
first
first rip ==
values
values rax from 5 to 2
values rax to 2000000
values rax from
where
goto 800000
last cr3 == 0 from 600000
first level == 0 from 790000 to 1000000
where
goto end
hash
