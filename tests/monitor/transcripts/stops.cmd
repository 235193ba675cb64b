# guest vmx
# Breakpoints and watchpoints: where, when, how often, and what they do.
symbols vmx
break exit
break @1:inner
tbreak phys:inner+5
break gpa:inner if nobody
break gpa:inner+13 if *(u32*)counter == 2
watch counter, 4
watch -r phys:counter, 4
watch -a counter, 4 if level == 0
info breakpoints
continue
continue
continue
disable 1 4
continue
enable 4
delete 7
ignore 5 1
continue
condition 6 *(u32*)counter == 1
condition 5 level == 1
continue
continue
commands 4
echo the counter is two
p *(u32*)counter
end
condition 6
info breakpoints
delete 6 2
continue
continue
quit
