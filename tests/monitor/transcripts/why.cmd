# guest vmx
# What happened, and why; the table of exits; the timeline of events; what would exit; what the TLB holds.
why
events
exits loop
stepexit
why
stepexit
why
exits
stepexit
why exit
why entry
why fault
why triple
why lost
why interrupt
why instruction
lint
why not
exits loop
exits what
events 5
events lost
intercepts
intercepts @3
stale
stale 0
stale 12
quit
