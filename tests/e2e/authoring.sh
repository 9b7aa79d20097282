#!/usr/bin/env bash
# The examples of docs/AUTHORING.md, each applied to the arena and taken back: what it changes is there, and
# what it leaves alone is as it was. The one with a shadow variable also in a server that was not prepared.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

example() {     # NAME [JQ-CONDITION]: builds its diff
	build_patch "$1" "$ARENA_SOURCE" "$ARENA_SERVER" "$ARENA_SOURCE/diffs/$1.diff"
	[ $# -lt 2 ] || check "$1: $2" jq -e "$2" "$OUT"
}
join() {        # NAME: a player, from now on asked by request()
	[ -z "${GAME:-}" ] || exec {GAME}>&-
	exec {GAME}<>"/dev/tcp/127.0.0.1/$PORT" || die "no connection"
	IFS= read -r -t 60 -u "$GAME" ANSWER
	request "join $1"
}
# The answer to one request; news that come between are left out.
request() {
	printf '%s\n' "$1" >&"$GAME"
	while IFS= read -r -t 60 -u "$GAME" ANSWER; do
		case $ANSWER in
		'* '* | '| '*) ;;
		*) return 0 ;;
		esac
	done
	ANSWER='no answer'
}
answers() {     # TEXT REQUEST PATTERN
	request "$2"
	matches "$1" "$3" "$ANSWER"
}
applied() { step "apply $1" 0 '.changed == true' apply "$WORK/$1.so" -p "$PID"; }
reverted() { step "revert $1" 0 '.changed == true' revert "$1" -p "$PID"; }

arena_start

printf -- '-- calling the original\n'
example author-original '[.functions[].name] == ["shop_sell"]'
join anna
answers 'buys a torch' 'buy torch 2' 'ok buy torch n=2 *coin=80'
answers 'sells one' 'sell torch' 'ok sell torch *'
applied author-original
answers 'no torch is taken' 'sell torch' 'err no-item *'
answers 'buys a potion' 'buy potion' 'ok buy potion *'
answers 'the rest is as before' 'sell potion' 'ok sell potion *'
reverted author-original
answers 'torches again' 'sell torch' 'ok sell torch *'

printf -- '-- hooks\n'
example author-hooks '[.hooks[].when] | sort == ["on_switch","on_unswitch","post_apply","post_revert","pre_apply"]'
join bert
matches 'before' '*coin=100' "$ANSWER"
applied author-hooks
join carl
matches 'a bonus' '*coin=150' "$ANSWER"
reverted author-hooks
join dora
matches 'without' '*coin=100' "$ANSWER"

printf -- '-- the idle set\n'
example author-idle '[.idle[].name] | contains(["room_find_player"])'
applied author-idle
exec {OTHER}<>"/dev/tcp/127.0.0.1/$PORT" || die "no connection"
printf 'join gina\n' >&"$OTHER"
IFS= read -r -t 60 -u "$OTHER" ANSWER
IFS= read -r -t 60 -u "$OTHER" ANSWER
matches 'another player' 'ok join *' "$ANSWER"
answers 'a fee of one' 'trade gina 20' 'ok trade gina 20 coin=79'
answers 'small ones are free' 'trade gina 5' 'ok trade gina 5 coin=74'
reverted author-idle

printf -- '-- a shadow variable\n'
example author-shadow
applied author-shadow
join emil
answers 'two swords' 'buy sword 2' 'ok buy sword *'
answers 'sold again' 'sell sword 2' 'ok sell sword *'
answers 'two more are too many' 'buy sword 2' 'err bag-full *'
answers 'one is not' 'buy sword' 'ok buy sword *'
step 'counted' 0 '.shadow.variables == 1' status -p "$PID"
reverted author-shadow
answers 'no limit' 'sell sword' 'ok sell sword *'
answers 'no limit any more' 'buy sword' 'err no-coin *'

printf -- '-- hooks that veto, and shadow variables where the agent is attached\n'
stop_pid "$PID"
rm -f "$WORK/arena.port"
"$ARENA_SERVER" --port 0 --port-file "$WORK/arena.port" --start-coin 2000 >"$WORK/arena.out" 2>&1 </dev/null &
PID=$!
PIDS+=("$PID")
until_true "the arena's port" test -s "$WORK/arena.port" || exit 1
PORT=$(cat "$WORK/arena.port")
suture attach "$PID"
if [ "$RC" -ne 0 ]; then
	printf 'note  not attached: %s\n' "$(j .error.message)"
else
	step 'the veto' 4 '.error.code == "HOOK_VETO" and (.error.message | test("pre_apply"))' apply "$WORK/author-hooks.so" -p "$PID"
	applied author-shadow
	join fred
	answers 'three swords' 'buy sword 3' 'ok buy sword *'
	answers 'not four' 'buy sword' 'err bag-full *'
	reverted author-shadow
fi
totals
