s/^    hide_memory\(\);/    (void)hide_memory;/
