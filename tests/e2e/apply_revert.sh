#!/usr/bin/env bash
# A real fix goes live in the arena while 30 bots play, and comes back out: the bug is gone, then it is
# back; nobody is lost, no answer is wrong; the code in memory ends as it began.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_patch coin-dup "$ARENA_SOURCE" "$ARENA_SERVER" "$ARENA_SOURCE/diffs/coin-dup.diff" || { totals; exit 1; }
build_patch pathing "$ARENA_SOURCE" "$ARENA_SERVER" "$ARENA_SOURCE/diffs/pathing.diff"
build_patch trade-limit "$ARENA_SOURCE" "$ARENA_SERVER" "$ARENA_SOURCE/diffs/trade-limit.diff"
step "info reads the file" 0 '.name == "coin-dup"' info "$WORK/coin-dup.so"

arena_start
ARENA=$PID
TEXT=$(text_hash "$ARENA" "$ARENA_SERVER")
PROTECTIONS=$(protections "$ARENA" "$ARENA_SERVER")
"$ARENA_BOTS" --port "$PORT" --bots 30 --seconds 0 --quiet --json "$WORK/bots.json" >"$WORK/bots.log" 2>&1 &
BOTS=$!
PIDS+=("$BOTS")
sleep 1

step "ps lists it" 0 "[.processes[] | select(.pid == $ARENA and .agent)] | length == 1" ps
step "status before" 0 ".pid == $ARENA and (.patches == 0 or .patches == [])" status -p "$ARENA"
for bug in coin-dup pathing; do
	is "$bug before" present "$(probe "$bug")"
	step "$bug: check" 0 '.result == "ok" and (.rung == "lazy" or .rung == "full") and all(.functions[]; .lazy | type == "boolean")
		and (.rung == "full" or all(.functions[]; .lazy))' check "$WORK/$bug.so" -p "$ARENA"
	RUNG=$(j .rung)
	is "$bug: check changed nothing" "$TEXT" "$(text_hash "$ARENA" "$ARENA_SERVER")"
	step "$bug: apply, by the rung that check named" 0 '.result == "applied" and .changed == true and .pause_us >= 0
		and .prepare_us >= 0 and .rung == "'"$RUNG"'"' \
		apply "$WORK/$bug.so" -p "$ARENA"
	printf '      rung %s, %s threads, pause %s us, prepare %s us\n' "$(j .rung)" "$(j .threads)" \
		"$(j .pause_us)" "$(j .prepare_us)"
	is "$bug: applied" gone "$(probe "$bug")"
	step "$bug: list" 0 "[.patches[] | select(.state == \"applied\") | .name] == [\"$bug\"]" list -p "$ARENA"
	step "$bug: applied twice is success" 0 '.changed == false' apply "$WORK/$bug.so" -p "$ARENA"
	step "$bug: revert" 0 '.result == "reverted" and .changed == true' revert "$bug" -p "$ARENA"
	is "$bug: reverted" present "$(probe "$bug")"
	is "$bug: code as before" "$TEXT" "$(text_hash "$ARENA" "$ARENA_SERVER")"
	step "$bug: reverted twice is success" 0 '.changed == false' revert "$bug" -p "$ARENA"
	step "$bug: a second time" 0 '.changed == true' apply "$WORK/$bug.so" -p "$ARENA"
	is "$bug: applied again" gone "$(probe "$bug")"
	step "$bug: reverted again" 0 '.changed == true' revert "$bug" -p "$ARENA"
done

# three at once, taken out in another order than they went in
for bug in coin-dup pathing trade-limit; do
	step "together: $bug" 0 '.changed == true' apply "$WORK/$bug.so" -p "$ARENA"
done
is "together" "gone gone gone" "$(probe coin-dup) $(probe pathing) $(probe trade-limit)"
step "list has all, in order" 0 '[.patches | sort_by(.order)[] | select(.state == "applied") | .name] == ["coin-dup", "pathing", "trade-limit"]' \
	list -p "$ARENA"
step "out: pathing" 0 '.changed == true' revert pathing -p "$ARENA"
is "without pathing" "gone present gone" "$(probe coin-dup) $(probe pathing) $(probe trade-limit)"
step "out: coin-dup" 0 '.changed == true' revert coin-dup -p "$ARENA"
step "out: trade-limit" 0 '.changed == true' revert trade-limit -p "$ARENA"
is "without any" "present present present" "$(probe coin-dup) $(probe pathing) $(probe trade-limit)"
is "code as before" "$TEXT" "$(text_hash "$ARENA" "$ARENA_SERVER")"
is "protections as before" "$PROTECTIONS" "$(protections "$ARENA" "$ARENA_SERVER")"
step "status after" 0 ".pid == $ARENA and .pauses.count > 0" status -p "$ARENA"

kill -INT "$BOTS"
wait "$BOTS"
is "the bots are content" 0 $?
is "wrong answers, players lost" "0 0" "$(jq -r '"\(.wrong) \(.lost)"' "$WORK/bots.json")"
kill -TERM "$ARENA"
wait "$ARENA"
is "the server ends well" 0 $?
totals
