# guest turtles depth=1
# Source lines: at stops, between instructions, as addresses; what is not known.
list
symbols turtles.elf
list
tbreak enter.S:65
continue
disas
list
list
list payload.c:1
list check
where
tbreak @1:turtles/payload.c:1 if level == 1
continue
x/i rip
info symbols
break nothing.c:4
break payload.c:99999
break .c:4
disas ./:4
list @1:payload.c:1, 4
break gpa:4096
symbols clear
where
quit
