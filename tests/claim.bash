# For scripts that are tests: where they run, what of, and how they say what holds.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
O=${O:-o} GUESTS=${GUESTS:-o/guests}
VMXRAY=${VMXRAY:-$O/vmxray}
export O GUESTS VMXRAY

claim() { # RIGHT NAME [WHY]
	if [[ $1 == 0 ]]; then echo "ok $2"; else echo "not ok $2 - ${3:-}"; fi
}

has() { # NAME PATTERN: a line of the console's $log, without the terminal's escape sequences
	tr -d '\r' <"$log" | sed 's/\x1b\[[0-9;?=]*[A-Za-z]//g' | grep -aqE "$2"
	claim $? "$1" "no line like: $2"
}
