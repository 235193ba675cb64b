#!/bin/bash
# beside.sh MODEL, of what tool_blocks -v says: hands on the errors of our model, and prints those of llvm-mca 19 on the same blocks
# when it is installed. Blocks that it cannot read or has no instruction for are counted, and no errors.
set -u
case ${1:-golden-cove} in golden-cove) cpu=sapphirerapids ;; *) cpu=skylake-avx512 ;; esac
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
awk -v blocks="$dir/blocks" '/^[rmc] [01] / { print >blocks; next } { print }'
if ! command -v llvm-mca-19 llvm-mc-19 >/dev/null; then
	echo "llvm-mca 19 is not installed (Debian: llvm-19)"
	exit 0
fi
[[ -s $dir/blocks ]] || exit 0

# Bytes become instructions, these become regions, each of one block. Lines of blocks: kind, half, cycles, ours, error, instructions, bytes.
awk '{ for (i = 1; i < length($7); i += 2) printf "0x%s ", substr($7, i, 2); print "" }' "$dir/blocks" |
	llvm-mc-19 --disassemble -triple=x86_64 2>"$dir/mc" | grep -vE '^\s*(\.text|$)' >"$dir/instructions"
awk -v file="$dir/instructions" '{
	print "# LLVM-MCA-BEGIN " NR
	for (i = 0; i < $6; i++) { getline line <file; print line }
	print "# LLVM-MCA-END"
}' "$dir/blocks" >"$dir/regions.s"
llvm-mca-19 -mtriple=x86_64 -mcpu=$cpu -iterations=100 -summary-view -resource-pressure=0 -instruction-info=0 -skip-unsupported-instructions=any \
	"$dir/regions.s" 2>/dev/null | awk '/Code Region/ { n = $NF; gsub(/[^0-9]/, "", n) } /^Total Cycles:/ { print n, $3 / 100 }' >"$dir/cycles"
awk -v cycles="$dir/cycles" 'BEGIN { while ((getline line <cycles) > 0) { split(line, f, " "); of[f[1]] = f[2] } }
	NR in of { e = of[NR] / $3 - 1; print $1, $2, e < 0 ? -e : e }' "$dir/blocks" | sort -k1,1 -k2,2n -k3,3g >"$dir/errors"
echo "llvm-mca 19, $cpu, on $(wc -l <"$dir/errors") of $(wc -l <"$dir/blocks") blocks:"
for kind in r m c; do
	for half in 0 1; do
		awk -v kind=$kind -v half=$half '$1 == kind && $2 == half { e[++n] = $3; sum += $3; within += $3 <= 0.05 }
			END {
				if (!n) exit
				worst = int((n + 19) / 20)
				for (i = n - worst + 1; i <= n; i++) of_worst += e[i]
				printf "%s %-10s %5d blocks  mean %6.2f %%  median %6.2f %%  worst twentieth %7.2f %%  within 5 %%: %5.1f of 100\n", kind,
					half ? "judge" : "fit", n, 100 * sum / n, 100 * e[int(n / 2) + 1], 100 * of_worst / worst, 100 * within / n
			}' "$dir/errors"
	done
done
