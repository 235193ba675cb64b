# guest spin -drive file=blank.img,format=raw
# A drive: what was written over its image goes into it when that is asked for.
info block
info pci
commit
commit ide0-hd0
commit all
commit nothing
commit ide0-hd0 all
eject ide0-hd0
change ide1-cd0 blank.img
info mtree
run-to 100
info block nothing
quit
