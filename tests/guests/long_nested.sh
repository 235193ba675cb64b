#!/bin/bash
# Guests of guests with kvm-intel's parameters off, one at a time, at either level; with two processors at all levels;
# and one level deeper. `make nested` examines each run.
. "$(dirname "$0")/../claim.bash"
dir=$O/tests/guests
mkdir -p "$dir"

all_is_well() { # NAME WORDS [OPTION...]
	local name=$1 log said
	log=$dir/nested-${name//[ =]/-}.log
	said=$(WORDS="$2 guest=quiet" LOG=$log tests/guests/nested.sh "${@:3}" | grep -a '^nested: ')
	[[ $said == 'nested: all is well' ]]
	claim $? "$name" "${said//$'\n'/; }"
	tr -d '\r' <"$log" >"$log.text"
}

says() { # LEVEL PARAMETER: the level's KVM shows it as off
	awk -v level="$1" -v parameter="$2" '
		/parameters, as this processor/ { now = $2 ~ /^L[0-9]:$/ ? substr($2, 2, 1) : 0 }
		now == level && $1 == parameter { found = $2 ~ /^[N0]$/ }
		END { exit !found }' "$dir/nested-L$1-$2-0.log.text"
	claim $? "L$1's $2 is off" "it is not"
}

for parameter in ept enable_shadow_vmcs unrestricted_guest enable_apicv vpid; do
	for level in 0 1; do
		all_is_well "L$level $parameter=0" "kvm$level=$parameter=0"
		says $level $parameter
	done
done
all_is_well 'ept=0 at both levels' 'kvm0=ept=0 kvm1=ept=0'
all_is_well 'two processors' 'smp=2' -smp 2
all_is_well 'two processors, the guests have one' '' -smp 2
# Three KVMs. Without VMCS shadowing in the middle: it costs L1 a VMWRITE or VMREAD, all of them exits, for each field.
LEVELS=3 all_is_well 'a guest of the third level' 'kvm1=enable_shadow_vmcs=0'
