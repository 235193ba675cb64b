# For the long_nested scripts: guests of guests with parameters of kvm-intel off. `make nested` examines each run.
. "$(dirname "${BASH_SOURCE[0]}")/../claim.bash"
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

without_each() { # LEVEL: its KVM without one parameter after the other
	local parameter
	for parameter in ept enable_shadow_vmcs unrestricted_guest enable_apicv vpid; do
		all_is_well "L$1 $parameter=0" "kvm$1=$parameter=0"
		says "$1" $parameter
	done
}
