#!/usr/bin/env bash
# A server that calls suture_safepoint() and enters scopes, but is neither linked to the agent nor started
# with it: once it has been attached, both work, however the server was compiled and linked.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# late NAME: the target without an agent, then attached
late() {
	# shellcheck disable=SC2034  # target() reads it
	ENVIRONMENT=(LD_PRELOAD=)
	target "$1"
	says "it runs without" "$2" "$3"
	[ "$1" = scopes ] || says "nobody hears of a fiber" fiber 'no agent'
	PROTECTED=$(protections "$PID" "$TARGET_BIN/target-$1")
	step "attach" 0 '.result == "attached" and .changed' attach "$PID"
}
at_safepoint() {
	local before
	late ticks value 2
	is "what was read-only is" "$PROTECTED" "$(protections "$PID" "$TARGET_BIN/target-ticks")"
	if [ "$UNHEARD" != '.agent.unheard == []' ]; then
		says "a fiber is known from now on" fiber 0
	fi
	step "it says what it has not heard" 0 "${UNHEARD:-true}" status -p "$PID"
	step "a command is not known" 4 ".error.code == \"UNSUPPORTED\" and (.error.next | test(\"$WHY_NOT\"))" call count -p "$PID"
	step "apply at the safe point" 0 '.changed and .rung == "safepoint"' apply "$WORK/ticks.so" -p "$PID" --at safepoint --timeout 60s
	says "patched" value 101
	says "one leaves" leave left
	step "revert without it" 0 '.changed and .rung == "safepoint"' revert ticks -p "$PID" --at safepoint --timeout 60s
	says "as it was" value 2
	says "it comes back" back back
	ask ticks
	before=$ANSWER
	ticked() { ask ticks && [ "$ANSWER" -gt "$before" ]; }
	check "it ticks on" until_true "a tick" ticked
	target_end
}

printf -- '-- safe points\n'
UNHEARD='.agent.unheard == ["commands", "fibers"]'
WHY_NOT='before it had an agent'
build_target_patch ticks ticks || { totals; exit 1; }
at_safepoint

# The addresses are no constants for any of these.
BUILT=$TARGET_BIN
for flags in "-O3 -fno-pie -no-pie" "-O3 -fPIE -pie -Wl,-z,now -Wl,-z,relro" "-O0 -fPIC -pie -Wl,-z,lazy"; do
	printf -- '-- %s\n' "$flags"
	# Code at a fixed address asks nobody for what was not there when it was linked.
	case $flags in
	*-no-pie*) UNHEARD='.agent.unheard == []' WHY_NOT=suture_command_register ;;
	*) UNHEARD='.agent.unheard == ["commands", "fibers"]' WHY_NOT='before it had an agent' ;;
	esac
	rm -rf "$WORK/tree"
	# shellcheck disable=SC2086
	small_project "$WORK/tree" target-ticks -D_GNU_SOURCE -g $flags -I "$ROOT/include" -- ticks.c
	TARGET_BIN=$WORK/tree
	DATABASE=$WORK/tree build_target_patch ticks ticks || break
	at_safepoint
	# Started with it as well: of code at a fixed address the compiler would know that nobody is there.
	# shellcheck disable=SC2034  # target() reads it
	ENVIRONMENT=()
	target_with_agent ticks
	step "it has heard all" 0 '.agent.unheard == []' status -p "$PID"
	step "preloaded" 0 '.rung == "safepoint"' apply "$WORK/ticks.so" -p "$PID" --at safepoint --timeout 60s
	target_end
done
TARGET_BIN=$BUILT

printf -- '-- scopes\n'
build_target_patch scopes scopes || { totals; exit 1; }
late scopes call 1
step "apply to one room" 0 '.changed' apply "$WORK/scopes.so" -p "$PID" --scope room=42
says "that one" 'in room 42' 100
says "another" 'in room 43' 1
says "no scope" call 1
step "revert" 0 '.changed' revert scopes -p "$PID" --timeout 20s
says "as it was" 'in room 42' 1
target_end
totals
