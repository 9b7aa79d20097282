#!/usr/bin/env bash
# Six admin clients at once, each with a random sequence of its own: served one after the other, in an order in which
# every answer is right (tests/support/serial_order.py).
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

need python3
CLIENTS=${CLIENTS:-6} CALLS=${CALLS:-12}
build_target_patch startup startup || { totals; exit 1; }
build_target_patch startup-other startup || { totals; exit 1; }
build_target_patch startup-on startup --on "$WORK/startup.so" || { totals; exit 1; }
target_with_agent startup

# client NUMBER: one line for each call
client() {
	local i number=$1 names=(startup startup startup-other startup-on) name replace pid code
	RANDOM=$((SEED + $1))
	for ((i = 0; i < CALLS; i++)); do
		name=${names[RANDOM % 4]} replace=
		case $((RANDOM % 7)) in
		0) set -- list ;;
		1 | 2) set -- revert "$name" ;;
		3) set -- apply "$WORK/$name.so" --replace && replace=replace ;;
		*) set -- apply "$WORK/$name.so" ;;
		esac
		"$SUTURE" "$@" -p "$PID" --json >"$WORK/answer.$number" 2>/dev/null </dev/null &
		pid=$!
		wait "$pid"
		code=$?
		if [ "$1" = list ]; then
			echo "$pid $code list $(jq -r '[.patches[].name] | join(",")' "$WORK/answer.$number")"
		else
			echo "$pid $code $1 $name $replace"
		fi
	done
}
SEED=${SEED:-$RANDOM}
LOGS=()
WAITS=()
for ((c = 1; c <= CLIENTS; c++)); do
	client "$c" >"$WORK/log.$c" &
	WAITS+=("$!")
	PIDS+=("$!")
	LOGS+=("$WORK/log.$c")
done
wait "${WAITS[@]}"
is "all calls were made (seed $SEED)" $((CLIENTS * CALLS)) "$(cat "${LOGS[@]}" | wc -l)"
suture list -p "$PID"
j '[.patches[].name]' >"$WORK/patches"
suture events -p "$PID"
jq --slurpfile patches "$WORK/patches" '{events, patches: $patches[0]}' "$OUT" >"$WORK/end.json"
if python3 "$ROOT/tests/support/serial_order.py" "$WORK/end.json" "${LOGS[@]}"; then
	pass "in one order"
else
	fail "in one order"
	tail -n 100 "${LOGS[@]}"
	jq -c '.events[]' "$WORK/end.json"
fi
target_end
totals
