#!/usr/bin/env bash
# The demo: a game server with 30 players is patched while they play, and the patch taken back.
#
#   run.sh BUILD_DIR
#
# On a terminal it draws the players' map and the latency they see, else plain lines. Ends by itself,
# within a minute; exit code 0 when everything went as it should. Whatever it starts it ends, by pid.
set -u

HERE=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
ARENA=$(dirname -- "$HERE")
BUILD=${1:?usage: run.sh BUILD_DIR}
SUTURE=$BUILD/bin/suture
AGENT=$BUILD/lib/libsuture.so
SERVER=$BUILD/bin/arena-server
BOTS=$BUILD/bin/arena-bots
BUG=coin-dup
PLAYERS=30
unset LD_PRELOAD SUTURE_SOCKET SUTURE_DIR SUTURE_DISABLE SUTURE_LOG

WORK=$(mktemp -d "${TMPDIR:-/tmp}/suture-demo.XXXXXX") || exit 1
export XDG_CACHE_HOME=$WORK/cache   # what the builder keeps for the next time goes when the demo goes
if [ "$(id -u)" -ne 0 ] && [ -z "${XDG_RUNTIME_DIR:-}" ]; then
	mkdir -m 700 "$WORK/run"        # where the agent's socket goes
	export XDG_RUNTIME_DIR=$WORK/run
fi
STATUS=$WORK/status.json
PIDS=()          # of this shell's children; cleanup() ends those and no others
LOG=()           # what has been said
APPLIED=no
WRONG=0          # things that did not go as they should

# ---- the screen ----------------------------------------------------------------------------------

SCREEN=
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
	SCREEN=yes
fi
ROWS=24 COLUMNS_=80
BOLD='' DIM='' RED='' GREEN='' PLAIN=''
if [ -n "$SCREEN" ] && [ -z "${NO_COLOR:-}" ]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
fi
STYLE=ascii
if [ "$(locale charmap 2>/dev/null)" = UTF-8 ] && [ -n "$BOLD" ]; then
	STYLE=blocks
fi

measure_screen() {
	local size
	size=$(stty size 2>/dev/null </dev/tty) || size='24 80'
	ROWS=${size% *} COLUMNS_=${size#* }
	[ "$ROWS" -ge 10 ] || ROWS=24
	[ "$COLUMNS_" -ge 20 ] || COLUMNS_=80
}

# One frame: the map, figures and strips of the players' last report, below it the end of the log.
paint() {
	local frame text='' line rows from
	frame=$(jq -r --arg style "$STYLE" --arg applied "$APPLIED" --argjson columns "$COLUMNS_" \
		-f "$HERE/screen.jq" "$STATUS" 2>/dev/null) || frame=
	mapfile -t lines <<<"$frame"
	rows=$((ROWS - ${#lines[@]} - 1))
	[ "$rows" -ge 3 ] || { lines=(); rows=$((ROWS - 1)); }
	from=$((${#LOG[@]} > rows ? ${#LOG[@]} - rows : 0))
	for line in "${lines[@]}" "${LOG[@]:from}"; do
		text+=$line$'\e[K\e[0m\r\n'
	done
	printf '\e[H%s\e[J' "$text"
}

leave_screen() {
	[ -n "$SCREEN" ] || return 0
	SCREEN=
	printf '\e[?7h\e[?25h\e[?1049l'
}

say() {
	LOG+=("$*")
	if [ -n "$SCREEN" ]; then paint; else printf '%s\n' "$*"; fi
}
title() { say "${BOLD}$*${PLAIN}"; }
command_line() { say "${DIM}   \$ $*${PLAIN}"; }

# pause SECONDS: the screen goes on meanwhile
pause() {
	local until=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	while [ "${EPOCHREALTIME/[.,]/}" -lt "$until" ]; do
		[ -z "$SCREEN" ] || paint
		sleep 0.12
	done
}

# run COMMAND…: its output in $WORK/out and $WORK/err, its exit code in RC; the screen goes on
run() {
	local pid
	"$@" >"$WORK/out" 2>"$WORK/err" </dev/null &
	pid=$!
	PIDS+=("$pid")
	while [ -n "$SCREEN" ] && kill -0 "$pid" 2>/dev/null; do
		paint
		sleep 0.05
	done
	wait "$pid"
	RC=$?
}
out() { jq -r "$1" "$WORK/out" 2>/dev/null || echo '?'; }

# ---- the end -------------------------------------------------------------------------------------

stop_pid() {
	local i
	grep -q "^PPid:[[:space:]]*$$\$" "/proc/$1/status" 2>/dev/null || return 0
	kill -TERM "$1" 2>/dev/null
	for ((i = 0; i < 30; i++)); do
		grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status" 2>/dev/null || break
		sleep 0.1
	done
	[ "$i" -lt 30 ] || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

cleanup() {
	local pid
	trap - EXIT INT TERM HUP
	leave_screen
	for pid in "${PIDS[@]}"; do
		stop_pid "$pid"
	done
	rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

give_up() {
	leave_screen
	[ ${#LOG[@]} -eq 0 ] || [ ! -t 1 ] || printf '%s\n' "${LOG[@]}"
	printf 'demo: %s\n' "$*" >&2
	[ ! -s "$WORK/err" ] || tail -n 20 "$WORK/err" >&2
	exit 1
}

expect() {      # WHAT EXPECTED GOT
	[ "$2" = "$3" ] && return
	WRONG=$((WRONG + 1))
	say "   ${RED}$1: $3, and should be $2${PLAIN}"
}

# ---- steps ---------------------------------------------------------------------------------------

probe() {       # EXPECTED: says whether the bug is there
	local answer color=$GREEN
	run "$BOTS" probe "$BUG" --port "$PORT"
	case $RC in
	0) answer=present color=$RED ;;
	1) answer=gone ;;
	*) give_up "the probe could not be made" ;;
	esac
	say "   a player tries: $color$(head -n 1 "$WORK/out")$PLAIN"
	expect "the bug" "$1" "$answer"
}

figure() { jq -r "$1 // \"?\"" "$STATUS" 2>/dev/null || echo '?'; }
milliseconds() { awk -v us="$1" 'BEGIN { if (us + 0 == us) printf "%.1f ms", us / 1000; else print "?" }'; }
# The players' and the server's figures "since reset" start again.
reset_figures() {
	kill -USR1 "$BOTS_PID" 2>/dev/null
	pause 1
}
longest_gap() { figure '[.tick.server_gap_since_reset_us, .tick.gap_since_reset_us] | max'; }

if [ -n "$SCREEN" ]; then
	measure_screen
	trap measure_screen WINCH
	printf '\e[?1049h\e[?25l\e[?7l\e[2J'
fi

title "1  A game server runs, with the agent inside; $PLAYERS players are on it."
command_line "LD_PRELOAD=libsuture.so arena-server --port 0"
LD_PRELOAD=$AGENT "$SERVER" --port 0 --port-file "$WORK/port" >"$WORK/server.log" 2>&1 </dev/null &
SERVER_PID=$!
PIDS+=("$SERVER_PID")
for ((i = 0; i < 100; i++)); do
	[ ! -s "$WORK/port" ] || break
	sleep 0.1
done
PORT=$(cat "$WORK/port" 2>/dev/null) || give_up "the server did not start: $(cat "$WORK/server.log")"
"$BOTS" --port "$PORT" --bots "$PLAYERS" --seconds 0 --exploit "$BUG" --quiet --status "$STATUS" \
	--json "$WORK/bots.json" >"$WORK/bots.log" 2>&1 </dev/null &
BOTS_PID=$!
PIDS+=("$BOTS_PID")
pause 2
[ -s "$STATUS" ] || give_up "the players do not report: $(cat "$WORK/bots.log")"
reset_figures
pause 4
BEFORE=$(longest_gap)
say "   pid $SERVER_PID; the longest gap between two ticks in 5 s was $(milliseconds "$BEFORE") (20 Hz)"

title "2  It has a bug: whoever pays coin to himself has more of it."
probe present
pause 1

title "3  The fix is a diff of the sources. suture build makes a patch of it."
while IFS= read -r line; do
	case $line in
	+*) say "   $GREEN$line$PLAIN" ;;
	-*) say "   $RED$line$PLAIN" ;;
	esac
done < <(grep -E '^[-+][^-+]' "$ARENA/diffs/$BUG.diff" | expand -t 4)
pause 2
command_line "suture build -C build --source patches/arena --binary arena-server $BUG.diff"
run "$SUTURE" build -C "$BUILD" --source "$ARENA" --binary "$SERVER" -o "$WORK/$BUG.so" --name "$BUG" \
	--description "whoever pays himself gets nothing" --json "$ARENA/diffs/$BUG.diff"
[ "$RC" = 0 ] || give_up "the build ended with $RC: $(cat "$WORK/out")"
BUILD_US=$(out .times.total_us)
say "   changed: $(out '[.functions[] | "\(.name) (\(.unit))"] | join(", ")')"
say "   compared with the running program: $(out '"\(.verified.exact) functions exact, \(.verified.different) different"'); $(milliseconds "$BUILD_US")"
pause 2

title "4  It goes live. Nobody is disconnected."
reset_figures
command_line "suture apply $BUG.so -p $SERVER_PID"
run "$SUTURE" apply "$WORK/$BUG.so" -p "$SERVER_PID" --json
[ "$RC" = 0 ] || give_up "apply ended with $RC: $(cat "$WORK/out")"
APPLIED=yes
APPLY_PAUSE=$(out .pause_us)
say "   applied ($(out .rung), $(out .threads) threads); paused for ${BOLD}$APPLY_PAUSE us$PLAIN, prepared in $(milliseconds "$(out .prepare_us)")"
expect "the answer" applied "$(out .result)"
pause 2
DURING=$(longest_gap)
probe gone
pause 4

title "5  And out again: the next release has the fix."
command_line "suture revert $BUG -p $SERVER_PID"
run "$SUTURE" revert "$BUG" -p "$SERVER_PID" --json
[ "$RC" = 0 ] || give_up "revert ended with $RC: $(cat "$WORK/out")"
APPLIED=no
REVERT_PAUSE=$(out .pause_us)
say "   reverted; paused for ${BOLD}$REVERT_PAUSE us$PLAIN"
expect "the answer" reverted "$(out .result)"
pause 1
probe present
pause 3

kill -INT "$BOTS_PID"
wait "$BOTS_PID"
expect "the players' verdict (exit code)" 0 $?
kill -TERM "$SERVER_PID"
wait "$SERVER_PID"
expect "the server's end (exit code)" 0 $?

# ---- figures -------------------------------------------------------------------------------------

bots() { jq -r "$1" "$WORK/bots.json" 2>/dev/null || echo '?'; }
LOST=$(bots .lost)
ANSWERS_WRONG=$(bots .wrong)
expect "players lost" 0 "$LOST"
expect "wrong answers" 0 "$ANSWERS_WRONG"
if [ -n "$SCREEN" ]; then
	leave_screen
	printf '%s\n' "${LOG[@]}"
fi
printf '\n'
printf '  %-34s %s\n' "patch from the diff" "$(milliseconds "$BUILD_US")" \
	"pause, apply and revert" "$APPLY_PAUSE us, $REVERT_PAUSE us" \
	"longest tick gap before" "$(milliseconds "$BEFORE")" \
	"longest tick gap around the apply" "$(milliseconds "$DURING")" \
	"answers to players, wrong ones" "$(bots .requests), $ANSWERS_WRONG" \
	"players lost" "$LOST"
[ "$WRONG" -eq 0 ]
