#!/usr/bin/env bash
# What is around an entry: functions too short for a jump, with padding near or none at all; a second
# symbol, or a branch of other code, in the bytes that a jump would cover. What `check` promises is what
# `apply` does, and no jump is put where something else leads to.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

program() {     # NAME FLAG…
	local name=$1
	shift
	printf -- '-- %s\n' "$name"
	small_project "$WORK/$name" "target-$name" -Wl,--defsym=inner=labelled+3 -D_GNU_SOURCE "$@" -- \
		surroundings.c surroundings_enter.c
	TARGET_BIN=$WORK/$name
	DATABASE=$WORK/$name
}

tier_is() {     # FUNCTION PATTERN: in the last check
	matches "$1's tier" "$2" "$(jq -r --arg name "$1" '.functions[] | select(.name == $name) | .tier' "$WORK/tiers.json")"
}

tiny() {        # NAME PATTERN: leaves the program running
	build_target_patch surroundings-tiny "$1" || { totals; exit 1; }
	target_with_room "$WORK/surroundings-tiny.so" "$1"
	step "check" 0 '.result == "ok"' check "$WORK/surroundings-tiny.so" -p "$PID"
	cp "$OUT" "$WORK/tiers.json"
	tier_is tiny "$2"
	says "old tiny" tiny 14
	says "old last" last 28
	step "apply" 0 '.changed' apply "$WORK/surroundings-tiny.so" -p "$PID"
	says "new tiny" tiny 21
	says "new last" last 56
	says "a neighbour" between 7000260
	says "the other" behind 7000273
	step "revert" 0 '.changed' revert surroundings-tiny -p "$PID"
	says "tiny again" tiny 14
	says "last again" last 28
}

labels() {      # NAME
	build_target_patch surroundings-labels "$1" || return
	step "check" 0 '.result == "ok"' check "$WORK/surroundings-labels.so" -p "$PID"
	cp "$OUT" "$WORK/tiers.json"
	# Neither plain nor running into padding: both would cover what something else leads to.
	tier_is labelled '[hp][ou][ln][en]*'
	tier_is entered '[hp][ou][ln][en]*'
	step "info says the same of the file" 0 "[.functions[] | {name, tier}] == $(jq -c '[.functions[] | {name, tier}]' "$WORK/tiers.json")" \
		info "$WORK/surroundings-labels.so" --binary "$TARGET_BIN/target-$1"
	says "old labelled" labelled 7000026
	says "old entered" entered 7000235
	step "apply" 0 '.changed' apply "$WORK/surroundings-labels.so" -p "$PID"
	says "new labelled" labelled 7000027
	says "new entered" entered 7000236
	step "revert" 0 '.changed' revert surroundings-labels -p "$PID"
	says "labelled again" labelled 7000026
	says "entered again" entered 7000235
}

program aligned -O2
tiny aligned '@(padding|hole)'
labels aligned
target_end

program packed -O2 -falign-functions=1
tiny packed '@(hole|pun|punned)'
# No padding anywhere: nowhere to put a jump that does not cover the label. Refused, with the reason.
build_target_patch surroundings-labels packed
step "refused" 4 '.error.code == "UNPATCHABLE_ENTRY" and (.error.message | contains("targets the bytes of the jump"))' \
	apply "$WORK/surroundings-labels.so" -p "$PID"
step "info says so too, of the file" 0 'all(.functions[]; .tier == "none" and (.reason | contains("targets the bytes of the jump")))' \
	info "$WORK/surroundings-labels.so" --binary "$TARGET_BIN/target-packed"
says "labelled as before" labelled 7000026
target_end

program marked -O2 -falign-functions=1 -fcf-protection=full
tiny marked '*'
target_end
totals
