s/window_exiting\(true\)/inject(0x40 | EXTERNAL)/
