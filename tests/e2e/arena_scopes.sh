#!/usr/bin/env bash
# The arena under bots, patched for a part of it: one room first, a share of the players and back, matches that
# begin from now on. What players see is asked of them: a gift to oneself is doubled by the old rule only.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
ROOMS=4
PLAYERS=60

build_patch coin-dup "$ARENA_SOURCE" "$ARENA_SERVER" "$ARENA_SOURCE/diffs/coin-dup.diff" || { totals; exit 1; }
start arena "$ARENA_SERVER" --port 0 --port-file "$WORK/port" --rooms "$ROOMS" --match-seconds 3 --tick-hz 50
until_true "the port" test -s "$WORK/port" || exit 1
PORT=$(cat "$WORK/port")
"$ARENA_BOTS" --port "$PORT" --bots 40 --seconds 0 --pace-ms 20 --quiet --json "$WORK/bots.json" >"$WORK/bots.out" 2>&1 &
BOTS=$!
PIDS+=("$BOTS")

# A session of our own: players are named p1, p2 …, so that their names are the same in every run.
talk() {        # NAME ROOM: joins; the answers' lines come on FD $GAME
	exec {GAME}<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'join %s %s\n' "$1" "$2" >&"$GAME"
	expect_line 'ok join *' || fail "$1 can't join"
}
expect_line() { # PATTERN: the next line that is an answer; in LINE
	while IFS= read -r -t 20 -u "$GAME" LINE; do
		case $LINE in
		'* '* | '| '* | 'ok arena'*) continue ;;
		esac
		# shellcheck disable=SC2053
		[[ $LINE == $1 ]]
		return
	done
	return 1
}
ends_talk() { printf 'quit\n' >&"$GAME"; exec {GAME}>&-; }
# rule NAME: old or new, by what a gift of 10 to oneself leaves. Treasure found meanwhile is 5 each: a gift
# that is doubled shows as 10 more in the line that answers it.
rule() {
	local before
	printf 'look\n' >&"$GAME"
	expect_line 'ok look *'
	before=${LINE#*coin=}
	before=${before%% *}
	printf 'trade %s 10\n' "$1" >&"$GAME"
	expect_line 'ok trade *' || { echo "trade: $LINE"; return; }
	case $((${LINE#*coin=} - before)) in
	0 | 5) echo new ;;
	10 | 15) echo old ;;
	*) echo "strange: $LINE after $before" ;;
	esac
}
# What a bot that tries the trick in that room says.
room_rule() {
	"$ARENA_BOTS" probe coin-dup --port "$PORT" --room "$1" --quiet >"$WORK/probe.txt" 2>&1
	case $? in
	0) echo old ;;
	1) echo new ;;
	*) tail -n 1 "$WORK/probe.txt" ;;
	esac
}
all_rooms() { for ((room = 0; room < ROOMS; room++)); do room_rule "$room"; done | tr '\n' ' '; }
players_new() { # how many of p1 … have the new rule
	local count=0 i
	for ((i = 1; i <= PLAYERS; i++)); do
		talk "p$i" $((i % ROOMS))
		[ "$(rule "p$i")" = new ] && count=$((count + 1))
		ends_talk
	done
	echo "$count"
}

printf -- '-- one room first\n'
is "the old rule" 'old old old old ' "$(all_rooms)"
step "apply to room 2" 0 .changed apply "$WORK/coin-dup.so" -p "$PID" --scope room=2
is "the others keep theirs" 'old old new old ' "$(all_rooms)"
step "and to room 0" 0 .changed scope coin-dup -p "$PID" --add room=0
is "two of four" 'new old new old ' "$(all_rooms)"
step "to all" 0 '.changed and .scope == null' scope coin-dup -p "$PID" --all --timeout 30s
is "everywhere" 'new new new new ' "$(all_rooms)"
step "revert" 0 .changed revert coin-dup -p "$PID" --timeout 30s
is "the old rule" 'old old old old ' "$(all_rooms)"

printf -- '-- a canary of the players, from 1 percent to 100 and back\n'
step "1 %" 0 .changed apply "$WORK/coin-dup.so" -p "$PID" --percent 1 --key player --timeout 30s
is "of $PLAYERS" 1 "$(players_new)"
step "20 %" 0 .changed scope coin-dup -p "$PID" --percent 20
is "of $PLAYERS" 7 "$(players_new)"
step "100 %" 0 .changed scope coin-dup -p "$PID" --percent 100
is "of $PLAYERS" "$PLAYERS" "$(players_new)"
step "1 % again" 0 .changed scope coin-dup -p "$PID" --percent 1
is "of $PLAYERS" 1 "$(players_new)"
step "revert" 0 .changed revert coin-dup -p "$PID" --timeout 30s

printf -- '-- new matches under the new rule, old ones end under the old\n'
match() { printf 'match\n' >&"$GAME"; expect_line 'ok match *'; LINE=${LINE#*id=}; echo "${LINE%% *}"; }
talk veteran 1
first=$(match)
step "apply to new matches" 0 .changed apply "$WORK/coin-dup.so" -p "$PID" --new match --timeout 30s
step "those being played are old" 0 ".scopes[0].key == \"match\" and .scopes[0].values_left + .scopes[0].values_new == $ROOMS" status -p "$PID"
# Asked until the next match has begun: each answer belongs to the match asked before and after it.
mixed=0 seen_old=0 seen_new=0
for ((i = 0; i < 400; i++)); do
	at=$(match)
	says=$(rule veteran)
	[ "$(match)" = "$at" ] || continue
	if [ "$at" = "$first" ]; then
		[ "$says" = old ] && seen_old=1
		[ "$says" = new ] && [ "$seen_old" = 1 ] && mixed=1
	else
		[ "$says" = new ] && seen_new=1
		[ "$says" = old ] && mixed=1
		[ "$seen_new" = 1 ] && break
	fi
	sleep 0.05
done
is "none was played under both" 0 "$mixed"
is "the next one has the new rule" 1 "$seen_new"
none_left() { jq -e '.scopes[0].values_left == 0 and .scopes[0].old_in_use == false' <("$SUTURE" status -p "$PID" --json) >/dev/null; }
until_true "the last old match to end" none_left && pass "the old code is out of use"
is "everywhere" 'new new new new ' "$(all_rooms)"
ends_talk
step "to all" 0 .changed scope coin-dup -p "$PID" --all --timeout 30s
step "revert" 0 .changed revert coin-dup -p "$PID" --timeout 30s

kill -INT "$BOTS"
wait "$BOTS"
is "the bots are content" 0 $?
check "and played matches" jq -e '.wrong == 0 and .lost == 0 and .matches > 0' "$WORK/bots.json"
totals
