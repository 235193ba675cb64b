s/^        hide_time\(.*/        (void)from, (void)hide_time;/
