# guest spin -vga std
# The display, the keyboard and the mouse: what they show, and what a person would do with them.
info vga
info keyboard
info mice
sendkey ctrl-alt-f1
sendkey a 50
info keyboard
step
info keyboard
info device ps2
sendkey contrl
sendkey shift-
sendkey a 100000
mouse_move 5 -3
mouse_button 1
mouse_move 5
mouse_move 99999 0
mouse_button 8
step
info mice
screendump
screendump picture.png
screendump picture.bmp
screendump picture
screendump /nowhere/picture.ppm
