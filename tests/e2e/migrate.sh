#!/usr/bin/env bash
# A player grows a field while thousands of them play, and loses it again: every object is written anew at the safe
# point, all or none, and the bots, who know what they own, notice nothing.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
PLAYERS=${PLAYERS:-2000}

printf -- '-- not without being asked for\n'
step "refused with both layouts" 4 'any(.refusals[]; .code == "LAYOUT_CHANGED")' build -C "$BUILD_DIR" --source "$ARENA_SOURCE" \
	--binary "$ARENA_SERVER" -o "$WORK/no.so" "$ARENA_SOURCE/diffs/player-distance.diff"
build_patch player-distance "$ARENA_SOURCE" "$ARENA_SERVER" "$ARENA_SOURCE/diffs/player-distance.diff" \
	--accept-layout player || { totals; exit 1; }

step "info says what migrates" 0 '.migrations[0] | .type == "player" and .new_size > .old_size and .reversible' info "$WORK/player-distance.so"

start arena "$ARENA_SERVER" --port 0 --port-file "$WORK/port" --rooms 8 --tick-hz 10
until_true "the port" test -s "$WORK/port" || exit 1
PORT=$(cat "$WORK/port")
"$ARENA_BOTS" --port "$PORT" --bots "$PLAYERS" --seconds 0 --pace-ms 2000 --quiet --json "$WORK/bots.json" >"$WORK/bots.out" 2>&1 &
BOTS=$!
PIDS+=("$BOTS")
here() { "$ARENA_BOTS" stats --port "$PORT" | jq -e ".players >= $1" >/dev/null; }
until_true "the players" here "$PLAYERS" || { totals; exit 1; }
inventory() {   # of a new player of ours, and leaves
	exec {GAME}<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'join own%s 3\ninventory\nquit\n' "$RANDOM" >&"$GAME"
	grep -o 'ok inventory.*' <&"$GAME"
	exec {GAME}>&-
}

printf -- '-- there\n'
matches "as it was" 'ok inventory coin=* potion=*' "$(inventory)"
step "scoped: refused" 4 '.error.message | test("layout of player")' apply "$WORK/player-distance.so" -p "$PID" --scope room=1
step "apply" 0 '.changed and .rung == "safepoint"' apply "$WORK/player-distance.so" -p "$PID" --timeout 60s
printf '      paused %s us\n' "$(j .pause_us)"
matches "there is a distance" 'ok inventory coin=* distance=* potion=*' "$(inventory)"
for i in 1 2 3; do
	step "back" 0 '.changed and .rung == "safepoint"' revert player-distance -p "$PID" --timeout 60s
	matches "as it was" 'ok inventory coin=* potion=*' "$(inventory)"
	step "there again" 0 '.changed and .rung == "safepoint"' apply "$WORK/player-distance.so" -p "$PID" --timeout 60s
done
sleep 1
step "back for good" 0 .changed revert player-distance -p "$PID" --timeout 60s
kill -INT "$BOTS"
wait "$BOTS"
is "the bots are content" 0 $?
check "none is lost" jq -e '.wrong == 0 and .lost == 0 and .duplicated == 0' "$WORK/bots.json"
totals
