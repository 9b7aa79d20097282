#!/usr/bin/env bash
# The completion for bash: the function that `suture completion bash` prints is loaded and called as bash
# would; patch names, pids and process names are those of what runs now.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

build_target_patch environment environment || { totals; exit 1; }
target_with_agent environment
step "apply" 0 '.changed' apply "$WORK/environment.so" -p "$PID"

eval "$("$SUTURE" completion bash)"
check "bash knows it" complete -p suture
completes() {   # WORD…: what could stand at the place of the last, sorted, on one line
	COMP_WORDS=("$SUTURE" "$@")
	COMP_CWORD=$#
	_suture
	printf '%s\n' "${COMPREPLY[@]}" | sort -u | tr '\n' ' '
}
has() {         # TEXT WORD WORDS…: the word is among them
	local text=$1 word=$2 got
	shift 2
	got=" $(completes "$@")"
	case $got in
	*" $word "*) pass "$text: $word" ;;
	*) fail "$text: no $word in $got" ;;
	esac
}
is "a command" "apply " "$(completes ap)"
is "two commands" "restore revert " "$(completes re)"
has "every command" events ''
is "an option" "--confirm-within " "$(completes apply --con)"
has "options of a target" --tree list --
is "values" "any " "$(completes apply --at an)"
has "a pid" "$PID" list -p ''
is "only those that begin so" "$PID " "$(completes list -p "$PID")"
has "a process name" target-environment list -n target-env
is "a patch of that process" "environment " "$(completes revert -p "$PID" '')"
is "before the target too" "environment " "$(completes confirm env)"
is "not one that is not there" "" "$(completes revert -p "$PID" zz | tr -d ' ')"
cd "$WORK" || exit 1
has "a file" environment.so apply env
is "help of a command" "metrics " "$(completes help met)"
step "revert" 0 '.changed' revert environment -p "$PID"
is "gone" "" "$(completes revert -p "$PID" '' | tr -d ' ')"
suture completion tcsh
is "another shell" "2 USAGE" "$RC $(j .error.code)"
target_end

target_with_agent ticks
step "status says what can be called" 0 '.commands == ["count"]' status -p "$PID"
is "a command of the application" "count " "$(completes call -p "$PID" '')"
has "the same before the target" count call co
has "and then a file" environment.so call count env
target_end
totals
