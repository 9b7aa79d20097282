#!/usr/bin/env bash
# 2,000 times in and out while four threads call the function without a pause: every answer is the old
# or the new one, each apply changes what is called, and at the end the code is as it was.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=${STRESS_ROUNDS:-2000}
build_target_patch calls calls || { totals; exit 1; }
target_with_agent calls
EXE=$TARGET_BIN/target-calls
TEXT=$(text_hash "$PID" "$EXE")
PROTECTIONS=$(protections "$PID" "$EXE")

wrong=0
for ((round = 1; round <= ROUNDS && wrong < 5; round++)); do
	suture apply "$WORK/calls.so" -p "$PID" --timeout 120s
	ask now
	if [ "$RC $ANSWER" != "0 new" ]; then
		fail "round $round: apply exit $RC, then $ANSWER: $(head -c 600 "$OUT")"
		wrong=$((wrong + 1))
	fi
	suture revert calls -p "$PID" --timeout 120s
	ask now
	if [ "$RC $ANSWER" != "0 old" ]; then
		fail "round $round: revert exit $RC, then $ANSWER: $(head -c 600 "$OUT")"
		wrong=$((wrong + 1))
	fi
	alive "$PID" || { fail "round $round: the target died"; break; }
done
[ "$wrong" -gt 0 ] || pass "$((round - 1)) times in and out"
ask counts
matches "every answer was the old or the new one" 'old * new * wrong 0' "$ANSWER"
check "both were seen" grep -qvE 'old 0 |new 0 ' <<<"$ANSWER"
is "code as it was" "$TEXT" "$(text_hash "$PID" "$EXE")"
is "protections as they were" "$PROTECTIONS" "$(protections "$PID" "$EXE")"
step "status" 0 '.pauses.count > 0' status -p "$PID"
printf '      pauses: %s\n' "$(j -c .pauses)"
target_end
totals
