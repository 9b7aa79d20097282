#!/usr/bin/env bash
# A patch for some calls only: one room first, a share of all, values that are new; wider, narrower, all, and
# back; what is open stays as it is, old and new code live side by side, and what can't be is refused.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch scopes scopes || { totals; exit 1; }
P=$WORK/scopes.so
scope() { suture scope scopes -p "$PID" "$@"; }
scoped() {      # TEXT CONDITION ARG…
	local text=$1 condition=$2
	shift 2
	step "$text" 0 "$condition" scope scopes -p "$PID" "$@"
}

printf -- '-- without an agent scopes are nothing\n'
"$TARGET_BIN/target-scopes" <<<$'in room 42\nhand\nend room 42\nleave' >"$WORK/alone"
is "it runs" "1 1 ended left" "$(tr '\n' ' ' <"$WORK/alone" | sed 's/ $//')"

printf -- '-- one room, two, all, one, none\n'
target_with_agent scopes
step "apply to one" 0 '.changed' apply "$P" -p "$PID" --scope room=42
says "that one" 'in room 42' 100
says "another" 'in room 43' 1
says "no scope" call 1
says "another key" 'in match 42' 1
step "list says so" 0 '.patches[0].scope | .key == "room" and .values == ["42"]' list -p "$PID"
step "the same again is nothing" 0 '.changed == false' apply "$P" -p "$PID" --scope room=42
step "something else by apply" 4 '.error.next | test("suture scope")' apply "$P" -p "$PID" --scope room=43
step "to all by apply" 4 '.error.next | test("suture scope")' apply "$P" -p "$PID"
scoped "add one" '.changed and .result == "scoped" and .scope.values == ["42", "43"]' --add room=43
says "that one too" 'in room 43' 100
step "one key" 2 '.error.message | test("one key")' scope scopes -p "$PID" --add match=1
says "a thread stays in the old code" inside inside
step "to all: it is in the way" 5 '.error.code == "BUSY_STACK"' scope scopes -p "$PID" --all --timeout 300ms
says "as before" 'in room 44' 1
says "that one still" 'in room 42' 100
says "the thread comes out" outside 1
scoped "to all" '.changed and .scope == null and .pause_us > 0' --all
says "no scope" call 100
says "any" 'in match 7' 100
scoped "to all again" '.changed == false' --all
step "list says so" 0 '.patches[0].scope == null' list -p "$PID"
scoped "back to one" '.changed and .scope.values == ["42"]' --add room=42
says "that one" 'in room 42' 100
says "another" 'in room 43' 1
says "no scope" call 1
scoped "none" '.scope.values == [] and .scope.key == null' --clear
says "that one" 'in room 42' 1
scoped "another key now" '.scope.key == "match"' --add match=7
says "that one" 'in match 7' 100
step "revert" 0 '.changed' revert scopes -p "$PID"
says "as it was" 'in match 7' 1
step "a key that nobody has entered" 0 '.scope | .key == "rom" and .values_new == 0 and .values_left == 0' \
	apply "$P" -p "$PID" --scope rom=42
matches "in words" "*no value of rom is known: none was entered yet, or all have ended*" "$("$SUTURE" apply "$P" -p "$PID" --scope rom=42)"
matches "by scope, too" "*no value of rom is known*" "$("$SUTURE" scope scopes -p "$PID" --add rom=43)"
step "revert" 0 '.changed' revert scopes -p "$PID"
step "the record says to which calls" 0 '[.events[] | select((.event == "apply" or .event == "scope") and .result == "done") | .text] ==
	["for room=42", "for room=42, room=43", "for all calls", "for room=42", "for nobody", "for match=7", "for rom=42",
	"for rom=42, rom=43"]' events -p "$PID"
step "and why not" 0 'any(.events[]; .event == "scope" and .result == "BUSY_STACK" and (.text | length) > 10)' events -p "$PID"
step "scope of what is not applied" 4 '.error.code == "NOT_APPLIED"' scope scopes -p "$PID" --all

printf -- '-- the old function never returns: both codes live\n'
says "a thread stays in the old code" inside inside
step "apply to one" 0 '.changed' apply "$P" -p "$PID" --scope room=42 --timeout 20s
says "that one" 'in room 42' 100
step "revert" 0 '.changed' revert scopes -p "$PID" --timeout 20s
says "the thread comes out" outside 1

printf -- '-- what is open stays as it is\n'
says "enter" 'enter room 1' entered
step "apply" 0 '.changed' apply "$P" -p "$PID" --scope room=1
says "it was open before" call 1
says "leave" leave left
says "enter again" 'enter room 1' entered
says "now it is new" call 100
says "also for work that is handed over" hand 100
says "another key inside" 'in match 1' 100
says "the same key inside" 'in room 2' 100
scoped "narrow" .changed --clear
says "still new" call 100
says "and handed over" hand 100
step "revert waits, and says for whom" 5 '.error.code == "BUSY_STACK" and (.error.message | test("target-scopes.*in a scope"))' \
	revert scopes -p "$PID" --timeout 300ms
says "still new" call 100
says "leave" leave left
says "old from now on" 'in room 1' 1
step "revert" 0 '.changed' revert scopes -p "$PID"

printf -- '-- a share of all: the same values in every process, more of them when it is more\n'
step "1 %" 0 .changed apply "$P" -p "$PID" --percent 1
says "of a thousand players" 'many player 1000' 8
scoped "5 %" '.scope.percent == 5' --percent 5%
says "of a thousand players" 'many player 1000' 57
scoped "50 %" .changed --percent 50
says "of a thousand players" 'many player 1000' 508
scoped "100 %" .changed --percent 100
says "of a thousand players" 'many player 1000' 1000
says "no scope" call 1
step "known values" 0 '.scopes[0] | .values_new >= 1000 and .values_left == 0 and .old_in_use == false' status -p "$PID"
scoped "0.5 %" '.scope.percent == 0.5' --percent 0.5
says "of a thousand players" 'many player 1000' 3
scoped "all" .changed --all
says "no scope" call 100
scoped "and 1 % again" .changed --percent 1
says "of a thousand players" 'many player 1000' 8
step "revert" 0 .changed revert scopes -p "$PID"
target_end

printf -- '-- values that are new\n'
target_with_agent scopes
says "an old match" 'in match old-1' 1
says "another" 'in match old-2' 1
step "apply to new ones" 0 .changed apply "$P" -p "$PID" --new match
says "an old match" 'in match old-1' 1
says "a new match" 'in match new-1' 100
says "a new one again" 'in match new-1' 100
says "ten new ones" 'many match 10' 10
step "how many are left" 0 '.scopes[0] | .new and .key == "match" and .values_left == 2 and .values_new == 11 and .old_in_use' status -p "$PID"
"$SUTURE" status -p "$PID" >"$WORK/words"
check "in words" grep -q 'scopes: new match; 11 known values have the new code, 2 the old' "$WORK/words"
says "one ends" 'end match old-1' ended
says "and is new" 'in match old-1' 100
says "the other ends" 'end match old-2' ended
step "nobody is left" 0 '.patches[0].scope | .values_left == 0 and .old_in_use == false' list -p "$PID"
"$SUTURE" status -p "$PID" >"$WORK/words"
check "in words" grep -q 'no known value has the old code any more' "$WORK/words"
scoped "to all" .changed --all
says "no scope" call 100
step "revert" 0 .changed revert scopes -p "$PID"

printf -- '-- more values than are remembered\n'
says "forty thousand" 'many filler 40000' 0
step "new ones can't be told" 4 '.error.code == "NO_ROOM" and (.error.next | test("suture_scope_end"))' apply "$P" -p "$PID" --new match
step "a scope is fine" 0 .changed apply "$P" -p "$PID" --scope room=1
says "that one" 'in room 1' 100
step "revert" 0 .changed revert scopes -p "$PID"

printf -- '-- unconfirmed: what it replaced comes back as it was scoped\n'
build_patch again "$TARGETS" "$TARGET_BIN/target-scopes" "$TARGETS/diffs/scopes.diff"
step "apply to one room" 0 .changed apply "$P" -p "$PID" --scope room=1
step "replace it by one for another room" 0 .changed apply "$WORK/again.so" -p "$PID" --replace --scope room=2 --confirm-within 300ms
back() { jq -e '[.patches[] | .name] == ["scopes"]' <("$SUTURE" list -p "$PID" --json) >/dev/null; }
until_true "the first one" back
step "with its scope" 0 '.patches[0].scope.values == ["1"]' list -p "$PID"
says "that one" 'in room 1' 100
says "not the other" 'in room 2' 1
step "revert" 0 .changed revert scopes -p "$PID"
says "as it was" 'in room 1' 1

printf -- '-- what makes no sense\n'
step "no value" 2 '.error.message | test("KEY=VALUE")' apply "$P" -p "$PID" --scope room
step "two ways" 2 '.error.code == "USAGE"' apply "$P" -p "$PID" --scope room=1 --percent 5
step "too much" 2 '.error.message | test("0 to 100")' apply "$P" -p "$PID" --percent 101
step "no number" 2 '.error.message | test("0 to 100")' apply "$P" -p "$PID" --percent 1.234
step "nothing" 2 '.error.message | test("--add")' scope scopes -p "$PID"
step "a key alone" 2 '.error.message | test("--key")' scope scopes -p "$PID" --key room --all
step "nothing was changed" 0 '.patches == []' list -p "$PID"
step "check says the same as apply" 0 '.result == "ok"' check "$P" -p "$PID" --scope room=1
step "and leaves nothing" 0 '.patches == []' list -p "$PID"
target_end
totals
