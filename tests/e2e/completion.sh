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
# Agents are asked for seconds only, so that a shell does not hang: on a loaded machine more than once.
words_are() {   # TEXT WORDS WORD…: they are these
	local text=$1 expected=$2 got i
	shift 2
	for ((i = 0; i < 30; i++)); do
		got=$(completes "$@")
		[ "$got" != "$expected" ] || break
	done
	is "$text" "$expected" "$got"
}
has() {         # TEXT WORD WORD…: it is among them
	local text=$1 word=$2 got i
	shift 2
	for ((i = 0; i < 30; i++)); do
		got=" $(completes "$@")"
		[[ $got != *" $word "* ]] || break
	done
	matches "$text" "* $word *" "$got"
}
words_are "a command" "apply " ap
words_are "two commands" "restore revert " re
has "every command" events ''
words_are "an option" "--confirm-within " apply --con
words_are "an option that names a file" "--binary " info --b
has "options of a target" --tree list --
words_are "values" "any " apply --at an
has "a pid" "$PID" list -p ''
words_are "only those that begin so" "$PID " list -p "$PID"
has "a process name" target-environment list -n target-env
words_are "a patch of that process" "environment " revert -p "$PID" ''
words_are "before the target too" "environment " confirm env
is "not one that is not there" "" "$(completes revert -p "$PID" zz | tr -d ' ')"
cd "$WORK" || exit 1
has "a file" environment.so apply env
words_are "help of a command" "metrics " help met
step "revert" 0 '.changed' revert environment -p "$PID"
is "gone" "" "$(completes revert -p "$PID" '' | tr -d ' ')"
suture completion tcsh
is "another shell" "2 USAGE" "$RC $(j .error.code)"
target_end

target_with_agent ticks
step "status says what can be called" 0 '.commands == ["count"]' status -p "$PID"
words_are "a command of the application" "count " call -p "$PID" ''
has "the same before the target" count call co
has "and then a file" environment.so call count env
target_end
totals
