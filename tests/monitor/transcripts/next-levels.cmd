# guest vmx
# next passes over what other levels do: over the guest from its hypervisor, over the hypervisor from its guest.
symbols vmx
catch entry
continue
delete
step -1
next
next
stepentry
where
next
next
next
stepexit
next 14
next
next
