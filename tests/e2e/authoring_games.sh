#!/usr/bin/env bash
# The examples of docs/AUTHORING.md for games: a rule for some rooms, a command that a patch brings. (The migration
# is e2e/migrate.)
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

page=$(cat "$ROOT/docs/AUTHORING.md")
for name in author-scope author-command; do
	check "the page has $name.diff as it is" [ "${page/"$(cat "$ARENA_SOURCE/diffs/$name.diff")"/}" != "$page" ]
	build_patch "$name" "$ARENA_SOURCE" "$ARENA_SERVER" "$ARENA_SOURCE/diffs/$name.diff" || { totals; exit 1; }
done
start arena "$ARENA_SERVER" --port 0 --port-file "$WORK/port" --rooms 2 --tick-hz 100
until_true "the port" test -s "$WORK/port" || exit 1
PORT=$(cat "$WORK/port")

# found ROOM: what a treasure is worth there; walks about until one is found
found() {
	local game line i
	exec {game}<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'join finder%s %s\n' "$RANDOM" "$1" >&"$game"
	for ((i = 0; i < 300; i++)); do
		printf 'move %s %s\n' $((RANDOM % 40)) $((RANDOM % 16)) >&"$game"
		while IFS= read -r -t 3 -u "$game" line; do
			case $line in
			'* found '*) line=${line#\* found }; echo "${line%% *}"; exec {game}>&-; return ;;
			'* arrived '* | 'err '* | 'ok move steps=0'*) break ;;
			esac
		done
	done
	echo nothing
	exec {game}>&-
}
crown() {
	local game
	exec {game}<>"/dev/tcp/127.0.0.1/$PORT"
	printf 'shop\nquit\n' >&"$game"
	sed -n 's/^| crown //p' <&"$game"
	exec {game}>&-
}

printf -- '-- a scope\n'
is "a treasure" 5 "$(found 0)"
step "apply to room 1" 0 .changed apply "$WORK/author-scope.so" -p "$PID" --scope room=1 --timeout 30s
is "worth double there" 10 "$(found 1)"
is "not elsewhere" 5 "$(found 0)"
step "revert" 0 .changed revert author-scope -p "$PID" --timeout 30s
is "as it was" 5 "$(found 1)"

printf -- '-- a command\n'
step "not yet" 4 '.error.code == "UNSUPPORTED"' call discount 50 -p "$PID"
step "apply" 0 .changed apply "$WORK/author-command.so" -p "$PID" --timeout 30s
step "half of it" 0 '.answer == "50% off"' call discount 50 -p "$PID"
is "a crown" 125 "$(crown)"
step "no discount" 4 '.error.code == "COMMAND_FAILED" and (.error.message | test("usage"))' call discount much -p "$PID"
step "revert" 0 .changed revert author-command -p "$PID" --timeout 30s
step "not any more" 4 '.error.code == "UNSUPPORTED"' call discount 50 -p "$PID"
is "the prices stay" 125 "$(crown)"
totals
