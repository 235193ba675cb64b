/window_exiting\(false\)/d
