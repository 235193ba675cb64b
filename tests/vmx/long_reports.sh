#!/bin/bash
# Reports of mistakes (-report all) in the VMX tests of kvm-unit-tests: none of them makes an error but those that kut_reports.def
# lists, which make one on purpose, each with the line of its source that says so. KUT= names a checkout that has been built.
. "$(dirname "$0")/../claim.bash"
table=tests/vmx/kut_reports.def dir=$O/tests/vmx/reports
[[ -f ${KUT:-}/x86/vmx.flat ]] || {
	echo 'ok the VMX tests of kvm-unit-tests make no errors but those they mean # SKIP KUT= names no checkout that was built'
	exit
}
rm -rf "$dir"
mkdir -p "$dir"

# What runs in place of the program: the same with reports, to a file named after the test.
cat >"$dir/vmxray" <<-END
	#!/bin/bash
	name=\${!#}
	exec '$(realpath "$VMXRAY")' "\$@" -report "all=$(realpath "$dir")/\${name//\\//-}.said"
END
chmod +x "$dir/vmxray"
VMXRAY=$dir/vmxray LOGS=$dir/logs JOBS=${JOBS:-1} tests/kut_vmx.sh "$KUT" "$@" >"$dir/summary"
! grep '^not ok' "$dir/summary" >"$dir/failed"
claim $? 'the suite passes with reports' "$(head -n 5 "$dir/failed" | tr '\n' ';')"

rules() { # FILE: what it says, each rule once
	grep -A 2 ' error: ' "$1" | sed -n 's/.*; rule \(.*\)$/\1/p' | sort -u | tr '\n' ' '
}
row() { # NAME: rules, file, text; of its row
	sed -n "s/^KUT($1, *\"\([^\"]*\)\", *\"\([^\"]*\)\", *\"\(.*\)\")\$/\1|\2|\3/p" "$table"
}
for said in "$dir"/*.said; do
	name=${said##*/} name=${name%.said}
	IFS='|' read -r wanted file text < <(row "$name")
	found=$(rules "$said")
	[[ ${found% } == "${wanted:-}" ]]
	claim $? "$name: ${wanted:-no error}" "$found"
	[[ -n ${text:-} ]] || continue
	grep -qF "$text" "$KUT/$file"
	claim $? "$name: the source says so" "$file has no line with $text"
done
