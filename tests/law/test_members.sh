#!/bin/bash
# Tests outside a struct's own folder reach its members by functions or by names of the state tables. What still reaches
# in is listed, file by file, and becomes less.
. "$(dirname "$0")/../claim.bash"
judge=$PWD/tests/law/members.sh list=tests/law/members
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work"/tests/{monitor,vmx,devices}
cat >"$work/tests/monitor/a.c" <<<'int f(struct cpu *cpu) { return cpu->rip + b->cpu->gpr[0] + inside_cpu(m, 0)->mode; } // cpu->rip
int g(struct machine *m) { return m->config + vmx_of(x)->vmcs + machine_steps(m) + cpu_rip(cpu); }'
cat >"$work/tests/vmx/a.c" <<<'int f(struct cpu *cpu, struct machine *m) { return cpu->rip + vmx_of(cpu)->vmcs + m->config; }'
cat >"$work/tests/vmx/b.c" <<<'int f(struct meter *m) { return m->config; } // no machine'
cat >"$work/tests/devices/a.c" <<<'int f(struct machine *m) { return m->config + cpu_of(m) + cpu[1]->rip; }'
found=$("$judge" "$work")
[[ $found == $'tests/devices/a.c 1\ntests/monitor/a.c 5\ntests/vmx/a.c 2' ]]
claim $? "the judge counts members of structs that belong to another folder" "$found"

more=$("$judge" . | awk -v list="$list" '
	BEGIN { while ((getline line < list) > 0) if (line !~ /^#/ && split(line, word, " ") == 2) may[word[1]] = word[2] }
	$2 > may[$1] + 0 { printf "%s reaches %d times, %d are listed; ", $1, $2, may[$1] }')
[[ -z $more ]]
claim $? "no test reaches into a struct of another folder more often than $list says" "$more"

less=$("$judge" . | awk -v list="$list" '
	{ is[$1] = $2 }
	END {
		while ((getline line < list) > 0)
			if (line !~ /^#/ && split(line, word, " ") == 2 && word[2] > is[word[1]] + 0)
				printf "%s %d, now %d; ", word[1], word[2], is[word[1]]
	}')
[[ -z $less ]] || echo "# the list $list may be lowered: $less"
