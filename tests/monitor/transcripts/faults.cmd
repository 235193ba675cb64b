# guest faults
# An exception of a guest, and what becomes of it without a handler.
symbols faults
tcatch exception 6
continue
why
tcatch triple
continue
why triple
events
stepexit
why
why fault
quit
