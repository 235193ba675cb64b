#!/bin/bash
# What keeping the inputs alone costs, without checkpoints: the instructions of the host within machine_run, as callgrind
# counts them, of the beginning of a boot of Linux that is recorded, and of one that is not. Keys are typed ahead.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/guests/input_log
mkdir -p "$dir"
type -P valgrind >/dev/null && [[ ! $SAN ]] || { echo 'ok the input log costs nothing # SKIP valgrind is not here, or not for sanitizers'; exit; }
steps=${STEPS:-30M}

counted() { # OPTION...
	printf 'echo one\necho two\n' |
		valgrind --tool=callgrind --callgrind-out-file="$dir/callgrind" --toggle-collect=machine_run --smc-check=all-non-file \
			"$VMXRAY" -kernel "$GUESTS/vmlinuz" -initrd "$GUESTS/initramfs.cpio" -append 'console=ttyS0 vmxray=boot' -m 256 \
			-display none -serial stdio -monitor none -sandbox off -history 0 -steps "$steps" -hash "$@" 2>&1 >"$dir/serial" | tee "$dir/log" |
		sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
without=$(counted)
with=$(counted -record "$dir/recording")
hash=$(grep '^hash ' "$dir/log")
"$VMXRAY" -replay "$dir/recording" -hash </dev/null >/dev/null 2>"$dir/replay"
[[ $hash && $(grep '^hash ' "$dir/replay") == "$hash" ]]
claim $? 'the recording replays to the same hash' "$hash; $(tail -n 2 "$dir/replay")"
((without > 1000000 && with <= without + without / 500))
claim $? 'the input log costs at most 0.2 per cent' "$without instructions without it, $with with it"
echo "# $steps steps: $without instructions without it, $with with it: $(awk -v a="$without" -v b="$with" 'BEGIN { printf "%.5f", b / a }')"
