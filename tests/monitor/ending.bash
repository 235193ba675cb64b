# For the scripts here about signals: runs in the background, and how a signal ends them. After lib.bash.
account=(--hash --stats)

begin() { # ARGUMENT...: in the background; stdout and stderr go to files, unless redirected before
	rm -f "$dir"/{out,err,serial,trace}
	env --default-signal "$VMXRAY" "$@" </dev/null >"$dir/out" 2>"$dir/err" &
	vmxray=$!
}
running() { # THREAD STATE
	[[ $(cut -d ' ' -f 3 "/proc/$vmxray/stat" 2>/dev/null) == [$1] ]]
}
waits_in_vain() { # it stands still, in a wait for others
	local before=$(cut -d ' ' -f 14 "/proc/$vmxray/stat")
	sleep 0.3
	[[ $(cut -d ' ' -f 14 "/proc/$vmxray/stat") -le $((before + 2)) ]] && running S
}
# Sends the signal; the run must end by it, and soon. 128 and its number are the status.
ends_by() { # NAME SIGNAL [PATTERN]: of stderr
	local name=$1 start=${EPOCHREALTIME/./} took expected
	kill "-$2" "$vmxray"
	( sleep 20; kill -KILL "$vmxray" ) 2>/dev/null &
	local guard=$!
	wait "$vmxray" 2>/dev/null
	status=$?
	kill "$guard" 2>/dev/null
	wait "$guard" 2>/dev/null
	took=$(((${EPOCHREALTIME/./} - start) / 1000)) err=$(<"$dir/err")
	expected=$((128 + $(kill -l "$2")))
	[[ $status == "$expected" && $err =~ ${3:-hash\ .*million\ steps/s} ]]
	claim $? "$name" "status $status instead of $expected; ${err//$'\n'/; }"
	((took < 5000)) # a second, and what a busy machine adds
	claim $? "$name: soon" "$took ms"
}
