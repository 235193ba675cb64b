# guest vmx
# Into a file, and out of it again.
run-to 20
savevm here
step 10
mark later
print ecx
loadvm here
mark
history
step 10
print ecx
reverse-step 3
loadvm here
savevm
savevm /dev/null
savevm moving.said
loadvm
loadvm nowhere
loadvm map
info snapshots nowhere
migrate
migrate to
record
record run.vmxray
record
record other.vmxray
record off
record off
diff run.vmxray run.vmxray
