#!/usr/bin/env bash
# A real server, patched while clients play: redis 7.0.15 built before CVE-2024-51741, Debian's own
# diffs for three CVEs, each applied to the running process and taken back, then all three stacked.
#
#   run.sh [--suite]        --suite: also units of redis' own Tcl suite against a patched server
#
# Environment: SUTURE (build/bin/suture), SUTURE_AGENT (build/lib/libsuture.so); see prepare.sh for the
# cache. SUTURE_REAL_KEEP=1 keeps the temporary folder. Prints PASS or FAIL per step, figures, and
# 'N checks passed, N failed'. Exit 0, 1, or 77 when redis' sources cannot be had.
#
# The server under load is never asked to crash: for CVE-2025-32023 it gets a payload that the old code
# wrongly accepts and the fixed code refuses. The one that kills goes to servers of its own.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
set -u

ROOT=$(cd "$HERE/../../.." && pwd)
SUTURE=${SUTURE:-$ROOT/build/bin/suture}
SUTURE_AGENT=${SUTURE_AGENT:-$ROOT/build/lib/libsuture.so}
PASSWORD=secret
# those that work against a server that the suite did not start (unit/type/set asks for its pid)
SUITE_UNITS='unit/type/string unit/type/incr unit/type/list unit/type/hash unit/type/zset unit/keyspace
	unit/expire unit/scripting unit/functions unit/multi unit/pubsub unit/hyperloglog'
suite=
case ${1:-} in
'') ;;
--suite) suite=1 ;;
*) say "usage: run.sh [--suite]"; exit 2 ;;
esac
[ -x "$SUTURE" ] || die "no suture at $SUTURE: build it, or set SUTURE"
[ -f "$SUTURE_AGENT" ] || die "no agent at $SUTURE_AGENT: build it, or set SUTURE_AGENT"
# The agent must not come into the shell, the compiler or redis-cli; nor another test's socket.
unset LD_PRELOAD SUTURE_SOCKET SUTURE_DIR SUTURE_DISABLE

# Each fix: its CVE, its probe, the unit that it changes, and the functions whose code changes there
# (from comparing objects of Debian 12's gcc; the patch may hold more, never fewer).
CVES=(CVE-2024-51741 CVE-2025-21605 CVE-2025-32023)
declare -A PROBE=([CVE-2024-51741]=51741 [CVE-2025-21605]=21605 [CVE-2025-32023]=32023)
declare -A UNIT=([CVE-2024-51741]=acl.c [CVE-2025-21605]=networking.c [CVE-2025-32023]=hyperloglog.c)
declare -A FUNCTIONS=([CVE-2024-51741]='ACLSetSelector'
	[CVE-2025-21605]='checkClientOutputBufferLimits'
	[CVE-2025-32023]='hllSparseToDense hllSparseRegHisto hllMerge')
declare -A DIFF

need jq cc dd sha256sum timeout
[ -z "$suite" ] || need tclsh
make_work
"$HERE/prepare.sh" "$WORK/redis" || exit
# shellcheck source=/dev/null
. "$WORK/redis/env"
build_clients

# ---- suture, with its exit code and its JSON checked every time ----------------------------------

# shellcheck source=../../shell/suture.sh
. "$SHELL_PARTS/suture.sh"

# ---- server, load, what they say -----------------------------------------------------------------

new_server() {   # NAME PASSWORD: a base redis with the agent preloaded; sets SUTURE_SOCKET too
	export SUTURE_SOCKET=$WORK/$1.sock
	start_server "$1" "$REDIS_SERVER" "$2" "LD_PRELOAD=$SUTURE_AGENT" "SUTURE_SOCKET=$SUTURE_SOCKET" \
		"SUTURE_DIR=$WORK/$1" || { fail "$1: redis starts with the agent preloaded"; totals; exit 1; }
	pass "$1: redis starts with the agent preloaded (pid $SERVER_PID)"
}

answer() { timeout 60 "$WORK/probe" "$1" 127.0.0.1 "$SERVER_PORT" "$PASSWORD" | jq -r .answer; }
answers() {
	local cve all=
	for cve in "${CVES[@]}"; do
		all="$all $(answer "${PROBE[$cve]}")"
	done
	echo "${all# }"
}

# The code of the server's executable as it is in memory now.
text_hash() {
	local from to
	from=$(awk -v exe="$REDIS_SERVER" '$2 ~ /x/ && $6 == exe { split($1, a, "-"); print a[1]; exit }' "/proc/$1/maps")
	to=$(awk -v exe="$REDIS_SERVER" '$2 ~ /x/ && $6 == exe { split($1, a, "-"); e = a[2] } END { print e }' "/proc/$1/maps")
	if [ -z "$from" ] || [ -z "$to" ]; then
		echo no-map
		return
	fi
	dd if="/proc/$1/mem" iflag=skip_bytes,count_bytes bs=1M skip=$((16#$from)) \
		count=$((16#$to - 16#$from)) 2>/dev/null | sha256sum | cut -c1-16
}
tree_hash() { (cd "$REDIS_TREE" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16); }

# The load's figures since the last mark: a line of JSON.
mark() {
	local n i
	n=$(wc -l <"$WORK/load.out")
	kill -USR1 "$LOAD" 2>/dev/null || { echo '{}'; return; }
	for ((i = 0; i < 3000; i++)); do
		[ "$(wc -l <"$WORK/load.out")" -le "$n" ] || break
		sleep 0.02
	done
	tail -n 1 "$WORK/load.out"
}

FIGURES=()
figure() {   # WHAT: from the JSON of the call just made and the load's window around it
	local win
	win=$(mark)
	FIGURES+=("$(printf '%-26s %-9s %7s %10s %11s %10s %12s %13s' "$1" "$(j '.rung // "-"')" \
		"$(j '.threads // "-"')" "$(j '.functions | if type == "array" then length else . // "-" end')" "$(j '.prepare_us // "-"')" \
		"$(j '.pause_us // "-"')" "$(jq -r '.longest_request_us // "-"' <<<"$win")" \
		"$(jq -r '.longest_gap_us // "-"' <<<"$win")")")
	is "  load during it: failed and dropped" "0 0" "$(jq -r '"\(.failed) \(.dropped)"' <<<"$win")"
}

apply() {    # CVE PID
	mark >/dev/null
	step "$1: apply" 0 '.result == "applied" and .changed == true and .functions >= 1' \
		apply "$WORK/$1.so" -p "$2"
	figure "apply $1"
}
revert() {
	mark >/dev/null
	step "$1: revert" 0 '.result == "reverted" and .changed == true' revert "$1" -p "$2"
	figure "revert $1"
}

# ---- 1: a live server ----------------------------------------------------------------------------

printf -- '-- redis 7.0.15, %s\n' "$REDIS_BASE"
new_server live "$PASSWORD"
LIVE=$SERVER_PID LIVE_PORT=$SERVER_PORT
"$WORK/load" -p "$LIVE_PORT" -a "$PASSWORD" -s 1200 >"$WORK/load.out" 2>"$WORK/load.err" &
LOAD=$!
PIDS+=("$LOAD")
for _ in $(seq 600); do
	! grep -q started "$WORK/load.out" || break
	sleep 0.1
done
check "the load runs" grep -q started "$WORK/load.out"
step "ps finds it, with its agent" 0 "[.processes[] | select(.pid == $LIVE and .agent)] | length == 1" ps
step "status" 0 ".pid == $LIVE and (.patches == 0 or .patches == [])" status -p "$LIVE"
step "list is empty" 0 '.patches == []' list -p "$LIVE"
step "revert of what was never applied: 4" 4 '.error.code == "NOT_APPLIED"' revert nothing -p "$LIVE"
step "no such process: 3" 3 '.error.code == "NO_AGENT" or .error' status -p 4194304
step "a file that is no patch: 4" 4 '.error.code == "BAD_PATCH_FILE"' apply "$REDIS_CLI" -p "$LIVE"
TEXT=$(text_hash "$LIVE")
TREE=$(tree_hash)
before=$(answers)
is "before: the three answers" "vulnerable vulnerable vulnerable" "$before"

# ---- 2: patches from Debian's diffs --------------------------------------------------------------

BUILDS=()
for cve in "${CVES[@]}"; do
	info=$(echo "$WORK"/redis/series/*-"$cve"/info)
	folder=$(dirname "$info")
	# shellcheck source=/dev/null
	. "$info"
	case $ON_BASE in
	clean) DIFF[$cve]=$folder/debian.diff ;;
	no | in-base) fail "$cve: Debian's diff against this tree: $ON_BASE"; continue ;;
	*) DIFF[$cve]=$folder/base.diff ;;
	esac
	printf -- '-- %s: %s (%s)\n' "$cve" "$(basename "${DIFF[$cve]}")" "$ON_BASE"
	step "$cve: build" 0 '.result == "patch" and (.refusals // []) == [] and (.functions | length) > 0' \
		build -C "$REDIS_TREE" --source "$REDIS_TREE" --binary "$REDIS_SERVER" -o "$WORK/$cve.so" \
		--name "$cve" --description "Debian's fix for $cve" "${DIFF[$cve]}" || continue
	is "$cve: changed units" "${UNIT[$cve]}" "$(j '[.functions[].unit | sub(".*/"; "")] | unique | join(" ")')"
	is "$cve: functions that differ from the binary" 0 "$(j '.verified.different')"
	for name in ${FUNCTIONS[$cve]}; do
		# shellcheck disable=SC2016
		is "$cve: $name" changed "$(j --arg f "$name" '[.functions[] | select(.name == $f) | .kind] | join(" ")')"
	done
	check "$cve: the patch is there" test -s "$WORK/$cve.so"
	j '.functions[] | "      \(.kind) \(.name): \(.because // "-")"'
	BUILDS+=("$(printf '%-26s %10s us, %s units compiled, verified %s exact %s equivalent' "build $cve" \
		"$(j .times.total_us)" "$(j .units.compiled)" "$(j .verified.exact)" "$(j .verified.equivalent)")")
done
is "the sources are untouched" "$TREE" "$(tree_hash)"
first=${CVES[0]}
suture build -C "$REDIS_TREE" --source "$REDIS_TREE" --binary "$REDIS_SERVER" -o "$WORK/again.so" \
	--name "$first" --description "Debian's fix for $first" "${DIFF[$first]:-none}"
check "same input, same bytes" cmp -s "$WORK/$first.so" "$WORK/again.so"

# ---- 3: each alone: apply, fixed, revert, as before ----------------------------------------------

for cve in "${CVES[@]}"; do
	printf -- '-- %s alone\n' "$cve"
	probe=${PROBE[$cve]}
	step "$cve: check" 0 '.result == "ok" and (.functions | length) > 0' check "$WORK/$cve.so" -p "$LIVE"
	is "$cve: check changed nothing" vulnerable "$(answer "$probe")"
	apply "$cve" "$LIVE"
	is "$cve: answer when applied" fixed "$(answer "$probe")"
	step "$cve: applied twice is success, unchanged" 0 '.changed == false' apply "$WORK/$cve.so" -p "$LIVE"
	step "$cve: list shows it" 0 "[.patches[].name] == [\"$cve\"]" list -p "$LIVE"
	revert "$cve" "$LIVE"
	is "$cve: answer when reverted" vulnerable "$(answer "$probe")"
	step "$cve: reverted twice is success, unchanged" 0 '.changed == false' revert "$cve" -p "$LIVE"
	is "$cve: code in memory as at the start" "$TEXT" "$(text_hash "$LIVE")"
done

# ---- 4: all three in one process -----------------------------------------------------------------

printf -- '-- stacked\n'
for cve in "${CVES[@]}"; do
	apply "$cve" "$LIVE"
done
is "stacked: the three answers" "fixed fixed fixed" "$(answers)"
step "stacked: list, in order" 0 "[.patches | sort_by(.order)[] | .name] == [$(printf '"%s",' "${CVES[@]}" | sed 's/,$//')]" \
	list -p "$LIVE"
expect=("vulnerable vulnerable vulnerable" "fixed vulnerable vulnerable" "fixed fixed vulnerable")
for i in 2 1 0; do
	revert "${CVES[i]}" "$LIVE"
	is "stacked: answers without it" "${expect[i]}" "$(answers)"
done
is "all reverted: code in memory as at the start" "$TEXT" "$(text_hash "$LIVE")"
is "all reverted: answers as at the start" "$before" "$(answers)"
step "all reverted: status" 0 ".pid == $LIVE" status -p "$LIVE"
printf '      pauses: %s\n' "$(j -c '.pauses // "-"')"

# ---- 5: the load's word --------------------------------------------------------------------------

printf -- '-- the load\n'
# However slow the machine: there were enough of them.
requests=0
for _ in $(seq 600); do
	requests=$((requests + $(mark | jq '.requests // 0')))
	[ "$requests" -le 10000 ] || break
	sleep 0.1
done
kill -TERM "$LOAD"
end_of "$LOAD" 120
is "load's exit status" 0 "$CODE"
summary=$(tail -n 1 "$WORK/load.out")
is "ended by us" signal "$(jq -r .ended <<<"$summary")"
is "failed requests" 0 "$(jq -r .failed <<<"$summary")"
is "dropped connections" 0 "$(jq -r .dropped <<<"$summary")"
is "more than 10,000 requests" true "$(jq '.requests > 10000' <<<"$summary")"
sed 's/^/      /' "$WORK/load.err"
printf '      %s\n' "$summary"
REDISCLI_AUTH=$PASSWORD "$REDIS_CLI" -p "$LIVE_PORT" SHUTDOWN NOSAVE >/dev/null 2>&1
end_of "$LIVE" 120
is "the server ends well when told to" 0 "$CODE"
check "no crash report in its log" test "$(grep -c -i -E 'crashed|assertion failed' "$WORK/live.log")" = 0

# ---- 6: the payload that kills -------------------------------------------------------------------

printf -- '-- CVE-2025-32023: the payload that kills, on servers of its own\n'
start_server plain "$REDIS_SERVER" "$PASSWORD" || die "no server"
crash_probe "$SERVER_PID"
is "without suture: crash probe" vulnerable "$ANSWER"
is "without suture: died of SIGSEGV" 139 "$CODE"
new_server twin "$PASSWORD"
step "twin: apply" 0 '.result == "applied" and .changed == true' apply "$WORK/CVE-2025-32023.so" -p "$SERVER_PID"
crash_probe "$SERVER_PID"
is "twin, patched: crash probe" fixed "$ANSWER"
check "twin, patched: alive" alive "$SERVER_PID"
step "twin: revert" 0 '.result == "reverted"' revert CVE-2025-32023 -p "$SERVER_PID"
crash_probe "$SERVER_PID"
is "twin, reverted: crash probe" vulnerable "$ANSWER"
is "twin, reverted: died of SIGSEGV" 139 "$CODE"

# ---- 7: redis' own tests against a patched server ------------------------------------------------

if [ -n "$suite" ]; then
	printf -- '-- redis'\'' own suite, all three applied\n'
	new_server suite ''
	for cve in "${CVES[@]}"; do
		step "suite: $cve applied" 0 '.result == "applied"' apply "$WORK/$cve.so" -p "$SERVER_PID"
	done
	# the suite of the fixed tree, with the tests that came with the fixes, on a copy
	mkdir "$WORK/suite-tree"
	cp -a "$REDIS_TREE/tests" "$REDIS_TREE/runtest" "$REDIS_TREE/redis.conf" "$WORK/suite-tree/"
	ln -s "$REDIS_TREE/src" "$WORK/suite-tree/src"
	for cve in "${CVES[@]}"; do
		# their code hunks have no file to go to here, and that is as it should be
		patch -p1 -s -f -d "$WORK/suite-tree" <"${DIFF[$cve]}" >/dev/null 2>&1
	done
	units=()
	for unit in $SUITE_UNITS; do
		units+=(--single "$unit")
	done
	(cd "$WORK/suite-tree" && TERM=dumb timeout 900 ./runtest --host 127.0.0.1 --port "$SERVER_PORT" "${units[@]}") \
		>"$WORK/suite.out" 2>&1
	is "suite: exit status" 0 $?
	check "suite: all passed" grep -q 'All tests passed' "$WORK/suite.out"
	check "suite: server alive" alive "$SERVER_PID"
	printf '      %s tests passed\n' "$(grep -c '\[ok\]' "$WORK/suite.out")"
	grep -a -E '\[(err|exception)\]' "$WORK/suite.out" | head -n 10 | sed 's/^/      /'
fi

# ---- figures -------------------------------------------------------------------------------------

printf '\n%-26s %-9s %7s %10s %11s %10s %12s %13s\n' figures rung threads functions prepare_us pause_us \
	"load: longest" "longest gap"
printf '%s\n' "${FIGURES[@]}"
[ ${#BUILDS[@]} -eq 0 ] || printf '%s\n' "${BUILDS[@]}"
totals
