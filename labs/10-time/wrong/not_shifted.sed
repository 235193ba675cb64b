s/SLICE >> rate/SLICE + 0 * rate/
