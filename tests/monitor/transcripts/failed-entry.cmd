# guest turtles depth=1 bug=state
# A VM entry that fails while it loads the guest's state is a VM exit with reason 33, forth and back.
stepexit
step 5
reverse-stepexit
reverse-stepexit
where
