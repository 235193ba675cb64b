# For long tests of systems that are only downloaded for them. The caller has read claim.bash.

# Boots it by a script that examines what it says; $log keeps that. Ends the test when it cannot be downloaded.
boots() { # CLAIM IMAGE NAME COMMAND...
	local said
	log=$O/tests/guests/${2%.cpio}.log
	mkdir -p "${log%/*}"
	if ! make -s GUESTS="$GUESTS" "$GUESTS/$2"; then
		echo "ok $1 # SKIP it cannot be downloaded"
		exit
	fi
	said=$(LOG=$log "${@:4}" | grep -a "^$3: ")
	[[ $said == "$3: all is well" ]]
	claim $? "$1" "${said//$'\n'/; }"
}
