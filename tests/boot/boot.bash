# For tests that boot a PC from its disks. They read this after claim.bash.
out=$O/tests/boot
mkdir -p "$out"
seconds=$([[ ${LONG:-} ]] && echo 3000 || echo 590)
tiny=$GUESTS/tiny.img ovmf=${OVMF:-/usr/share/OVMF}

# Makes what a test boots, of several tests one at a time; ends the test when it cannot be had.
need() { # FILE...
	local file why
	for file; do
		why=$(flock "$GUESTS" make -s O="$O" GUESTS="$GUESTS" "$file" 2>&1) && continue
		echo "ok ${file##*/} # SKIP it cannot be made: ${why##*$'\n'}"
		exit
	done
}

# Runs a machine and talks to its serial port: converse NAME CYCLES [WAIT-FOR KEYS]... -- OPTION...
# CYCLES of the machine's clock bound the run (status 6), so that a slow or busy host decides nothing; the seconds are for a
# machine that stands still.
# When a line like WAIT-FOR has come, KEYS are typed, again and again until the next line that is waited for comes (whoever
# should hear them may not listen yet); when the last one has come, the machine is ended. Keys - : nothing is typed. Without
# a last pattern it runs until it ends. $log has its output, $status the exit status; the function says whether all came.
converse() {
	local name=$1 cycles=$2 patterns=() keys=() i tries pid since=0
	shift 2
	while [[ $1 != -- ]]; do
		patterns+=("$1") keys+=("$2")
		shift 2
	done
	shift
	log=$out/$name.log
	: >"$log"
	rm -f "$out/$name.keys"
	mkfifo "$out/$name.keys"
	timeout "$seconds" "$VMXRAY" "$@" -cycles "$cycles" -nographic -no-reboot <>"$out/$name.keys" >"$log" 2>"$out/$name.err" &
	pid=$!
	for ((i = 0; i < ${#patterns[@]}; i++)); do
		for ((tries = 0; ; tries++)); do
			if heard "${patterns[i]}"; then break; fi
			if ! kill -0 $pid 2>/dev/null; then break 2; fi
			if ((i > 0 && tries % 10 == 9)) && [[ ${keys[i - 1]} != - ]]; then
				printf '%b' "${keys[i - 1]}" >"$out/$name.keys"
			fi
			sleep 0.1
		done
		[[ ${keys[i]} =~ ^(-|end|kill)$ ]] || printf '%b' "${keys[i]}" >"$out/$name.keys"
	done
	# What a recording has of the last moments before it is killed is not promised: a second later they are in it.
	((i == 0)) || case ${keys[i - 1]} in end) kill $pid ;; kill) sleep 1.2 && pkill -KILL -P $pid ;; esac 2>/dev/null
	wait $pid
	status=$?
	rm -f "$out/$name.keys"
	((i == ${#patterns[@]}))
}

# What it has said, without the terminal's escape sequences; whether something like that has come behind `since`, which
# then moves there.
heard() {
	local found at LC_ALL=C
	found=$(plain | tail -c +$((since + 1)) | grep -aobE -m 1 "$1" | head -n 1)
	[[ -n $found ]] || return
	at=${found%%:*} found=${found#*:}
	since=$((since + at + ${#found}))
}
plain() { tr -d '\r' <"$log" | sed 's/\x1b\[[0-9;?=]*[A-Za-z]/\n/g'; }

# Options for a machine with the disk on one of the controllers, from one of the firmwares.
disk_on() { # pc|q35 ide|ahci|virtio FILE
	case $1-$2 in
	pc-ide | q35-ahci) echo "-drive file=$3,format=raw" ;;
	*-virtio) echo "-drive file=$3,format=raw,if=virtio" ;;
	*-ide) echo "-device piix3-ide,id=more -drive file=$3,format=raw,if=none,id=disk -device ide-hd,drive=disk,bus=more.0" ;;
	*-ahci) echo "-device ahci,id=more -drive file=$3,format=raw,if=none,id=disk -device ide-hd,drive=disk,bus=more.0" ;;
	esac
}
firmware() { # bios|uefi NAME: with variables of its own
	[[ $1 == uefi ]] || return 0
	cp "$ovmf/OVMF_VARS.fd" "$out/$2.vars"
	echo "-drive if=pflash,format=raw,unit=0,readonly=on,file=$ovmf/OVMF_CODE.fd -drive if=pflash,format=raw,unit=1,file=$out/$2.vars"
}
