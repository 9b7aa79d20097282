#!/usr/bin/env bash
# Numbers: what suture metrics says is what happened, in the text format that Prometheus reads; and the
# agent has the probes that docs/OPERATING.md lists.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch busy busy || { totals; exit 1; }
target_with_agent busy
value() {       # value METRIC LABELS: of the one line with that name and all of those labels
	local line pattern
	line=$(grep "^$1{" "$WORK/metrics") || { echo none; return; }
	for pattern in $2; do
		line=$(grep -F "$pattern" <<<"$line")
	done
	echo "${line##* }"
}
scrape() { "$SUTURE" metrics "$@" >"$WORK/metrics" 2>"$WORK/metrics.err"; }

scrape -p "$PID"
is "exit code" 0 $?
is "nothing applied" 0 "$(value suture_patches_applied pid="\"$PID\"")"
is "version" 1 "$(value suture_agent_info "process=\"target-busy\" version=\"$("$SUTURE" --version | cut -d' ' -f2)\"")"
is "no pauses" 0 "$(value suture_pause_seconds_count '')"

step "apply, counted" 0 '.changed' apply "$WORK/busy.so" -p "$PID" --count
says "a call" value 2001
says "and one more" value 2002
says "one sits inside" enter in
step "busy" 5 '.error.code == "BUSY_STACK"' revert busy -p "$PID" --timeout 300ms
says "it leaves" leave 2003
step "refused" 4 '.error.code == "NOT_APPLIED"' revert nonsense -p "$PID"
scrape -p "$PID"
is "one applied" 1 "$(value suture_patches_applied '')"
is "its calls" 3 "$(value suture_patch_calls_total 'patch="busy"')"
is "in force" 1 "$(value suture_patch_applied 'patch="busy"')"
is "applies that worked" 1 "$(value suture_actions_total 'action="apply" result="done"')"
is "reverts that were busy" 1 "$(value suture_actions_total 'action="revert" result="BUSY_STACK"')"
is "reverts that were refused" 1 "$(value suture_actions_total 'action="revert" result="NOT_APPLIED"')"
# A revert that was busy may have held threads too.
check "pauses" test "$(value suture_pause_seconds_count '')" -ge 1
is "all in the last bucket" "$(value suture_pause_seconds_count '')" "$(value suture_pause_seconds_bucket 'le="+Inf"')"
check "buckets rise" awk '/^suture_pause_seconds_bucket/ { if ($NF < last) exit 1; last = $NF }' "$WORK/metrics"
step "status has the histogram" 0 '(.pauses.buckets | length) > 10 and .pauses.buckets[-1].count == .pauses.count' status -p "$PID"
"$SUTURE" status -v -p "$PID" >"$WORK/words"
is "in words, all of them" "$(j .pauses.count)" "$(awk '/ up to / { sum += $1 } END { print sum + 0 }' "$WORK/words")"
step "revert" 0 '.changed' revert busy -p "$PID"
scrape -p "$PID"
is "none in force" "0 0" "$(value suture_patches_applied '') $(value suture_patch_applied 'patch="busy"')"

printf -- '-- the format\n'
FIRST=$PID
mkfifo "$WORK/hold"
LD_PRELOAD=$SUTURE_AGENT "$TARGET_BIN/target-busy" <"$WORK/hold" >/dev/null 2>&1 &
SECOND=$!
PIDS+=("$SECOND")
exec {HOLD}>"$WORK/hold"
until_true "the second agent" serves "$SECOND"
scrape --tree $$
is "both processes" 2 "$(grep -c '^suture_patches_applied{' "$WORK/metrics")"
check "each line is a comment or a sample" awk '
	/^# (HELP|TYPE) suture_[a-z_]+ / { next }
	/^suture_[a-z_]+\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\} -?[0-9.e+-]+$/ { next }
	{ print; exit 1 }' "$WORK/metrics"
is "each type once" "" "$(grep '^# TYPE' "$WORK/metrics" | sort | uniq -d)"
check "samples follow their type" awk '
	/^# TYPE/ { type = $3 }
	/^suture/ { name = $1; sub(/\{.*/, "", name); if (index(name, type) != 1) exit 1 }' "$WORK/metrics"
# Prometheus' own judge, where somebody has it.
if command -v promtool >/dev/null; then
	is "promtool check metrics" 0 "$(promtool check metrics <"$WORK/metrics" 2>&1; echo $?)"
fi
suture metrics -p "$FIRST"
check "as JSON" jq -e '.applied == 0 and (.pauses.buckets | length) > 10 and any(.actions[]; .action == "start")' "$OUT"
scrape -p $$
is "no agent" 3 $?
exec {HOLD}>&-
target_end

# One byte that is no UTF-8 and a scraper takes none of it.
NAMED=$WORK/$'n\xff\xc3\xbc\x1b'
cp "$(command -v sleep)" "$NAMED"
LD_PRELOAD=$SUTURE_AGENT "$NAMED" 600 &
PID=$!
PIDS+=("$PID")
until_true "the named agent" serves "$PID"
scrape -p "$PID"
check "a name that is no UTF-8" iconv -f utf-8 -t utf-8 "$WORK/metrics"
is "the rest of it" 1 "$(grep -c '^suture_agent_info{process="n?ü?"' "$WORK/metrics")"
stop_pid "$PID"

printf -- '-- probes\n'
if [ -f /usr/include/sys/sdt.h ] || [ -f "/usr/include/$(uname -m)-linux-gnu/sys/sdt.h" ]; then
	PROBES=$(readelf -n "$SUTURE_AGENT" | awk '/Provider: suture/ { ours = 1 } /Name:/ && ours { print $2; ours = 0 }' | sort -u | tr '\n' ' ')
	is "probes" "apply_end apply_start busy revert_end revert_start stop_begin stop_end " "$PROBES"
else
	printf 'no sys/sdt.h here: no probes\n'
fi
totals
