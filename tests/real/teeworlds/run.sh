#!/usr/bin/env bash
# A real game server in C++, patched while people play: ten edits of its logic, each built, applied to the
# running server while all wander and shoot, and seen by a player; then all at once, and taken back.
#
#   run.sh
#
# Environment: SUTURE (build/bin/suture), SUTURE_AGENT (build/lib/libsuture.so); see README.md.
# Prints PASS or FAIL per step and 'N checks passed, N failed'. Exit 0, 1, or 77 when the sources can't be had.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
HERE=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=edits.sh
. "$HERE/edits.sh"
set -u

ROOT=$(cd "$HERE/../../.." && pwd)
SUTURE=${SUTURE:-$ROOT/build/bin/suture}
SUTURE_AGENT=$(realpath -m "${SUTURE_AGENT:-$ROOT/build/lib/libsuture.so}")
[ -x "$SUTURE" ] || die "no suture at $SUTURE: build it, or set SUTURE"
[ -f "$SUTURE_AGENT" ] || die "no agent at $SUTURE_AGENT: build it, or set SUTURE_AGENT"
unset LD_PRELOAD SUTURE_SOCKET SUTURE_DIR SUTURE_DISABLE
need jq diff sed c++filt timeout
make_work
"$HERE/prepare.sh" "$WORK/tw" || exit
# shellcheck source=/dev/null
. "$WORK/tw/env"
export XDG_CACHE_HOME=$WORK/cache SUTURE_SOCKET=$WORK/tw.sock SUTURE_DIR=$WORK/suture HOME=$WORK

# ---- what a player sees ---------------------------------------------------------------------------

# await CONDITION: until player 0 sees it so
await() {
	local end=$((SECONDS + 300))
	while look && ! jq -e "$1" <<<"$LOOK" >/dev/null; do
		[ "$SECONDS" -lt "$end" ] || { say "never so: $1"; return; }
		sleep 0.1
	done
}
# game_time SECONDS: of the world and as player 0 sees it, 50 snapshots each; a busy machine has slower ones
game_time() {
	look
	await ".snapshots >= $(jq "(.snapshots // 0) + 50 * $1" <<<"$LOOK")"
}

# act ACTION: what player 0 saw before and after goes into $WORK/saw
act() {
	local step
	await .alive
	printf '%s\n' "$LOOK" >"$WORK/old"
	while IFS= read -r step; do
		step=${step# }
		case $step in
		wait\ *) game_time "${step#wait }" ;;
		*) tell "$step" ;;
		esac
	done < <(tr ';' '\n' <<<"$1")
	game_time 0.1
	jq -n --slurpfile old "$WORK/old" --argjson new "$LOOK" '{old: $old[0], new: $new}' >"$WORK/saw"
}
holds() { jq -e "${CONDITION[$1]}" "${2:-$WORK/saw}" >/dev/null; }

# Others are quiet meanwhile, but what they shot may still fly, and a busy machine delays: tried again.
eventually() {     # TEXT yes|no EDIT
	local got
	tell stop
	game_time 0.5
	for _ in 1 2 3 4 5 6 7 8; do
		act "${ACTION[$3]}"
		got=no
		holds "$3" && got=yes
		[ "$got" != "$2" ] || break
	done
	tell go
	is "$1" "$2" "$got"
	[ "$got" = "$2" ] || jq -c . "$WORK/saw" >&2
}

# ---- suture ---------------------------------------------------------------------------------------

suture() {
	timeout --kill-after=5 300 "$SUTURE" "$@" --json >"$WORK/out.json" 2>"$WORK/err.txt"
	RC=$?
	[ "$RC" = 0 ] || { cat "$WORK/err.txt"; head -c 600 "$WORK/out.json"; } >&2
}

build() {     # EDIT
	local name=$1 file=src/${FILE[$1]}
	rm -rf "$WORK/a" "$WORK/b"
	mkdir -p "$WORK/a/$(dirname "$file")" "$WORK/b/$(dirname "$file")"
	cp "$TW_TREE/$file" "$WORK/a/$file"
	sed "${SCRIPT[$name]}" "$TW_TREE/$file" >"$WORK/b/$file"
	(cd "$WORK" && diff -u "a/$file" "b/$file") >"$WORK/$name.diff"
	suture build -C "$TW_BUILD" --source "$TW_TREE" --binary "$TW_SERVER" -q -o "$WORK/$name.so" --name "$name" "$WORK/$name.diff"
	is "$name: built, replaces" "${FUNCTIONS[$name]}" \
		"$(jq -r '[.functions[] | select(.kind != "new").name] | .[]' "$WORK/out.json" | c++filt -p | sort | tr '\n' ' ' | sed 's/ $//')"
}

start_game
wait_for_all
is "$PLAYERS players are in the game" 0 $?
[ "$FAILED" = 0 ] || { tail -n 5 "$WORK/server.log" "$WORK/players.log" >&2; totals; exit 1; }

# Old code, once per action: no edit's effect may be there by itself.
declare -A BEFORE
tell stop
game_time 0.5
for name in "${EDITS[@]}"; do
	if [ -z "${BEFORE[${ACTION[$name]}]:-}" ]; then
		act "${ACTION[$name]}"
		BEFORE[${ACTION[$name]}]=$WORK/before-$name
		cp "$WORK/saw" "$WORK/before-$name"
	fi
	holds "$name" "${BEFORE[${ACTION[$name]}]}"
	is "$name: not so in old code" 1 $?
done
tell go

for name in "${EDITS[@]}"; do
	build "$name"
	suture apply "$WORK/$name.so" -s "$SUTURE_SOCKET"
	is "$name: applied while all play" 0 "$RC"
	say "$name: $(jq -r '"paused \(.pause_us) us, \(.rung), \(.threads) threads"' "$WORK/out.json")"
	eventually "$name: a player sees it" yes "$name"
	suture revert "$name" -s "$SUTURE_SOCKET"
	is "$name: reverted" 0 "$RC"
	all_well
	is "$name: nobody was dropped" 0 $?
done

for name in "${EDITS[@]}"; do
	suture apply "$WORK/$name.so" -s "$SUTURE_SOCKET"
	[ "$RC" = 0 ] || fail "$name: applied beside the others"
done
suture list -s "$SUTURE_SOCKET"
is "all are in" "${#EDITS[@]}" "$(jq '[.patches[] | select(.state == "applied")] | length' "$WORK/out.json")"
for name in chat armor emoticon; do
	eventually "$name: seen among all" yes "$name"
done
for name in $(printf '%s\n' "${EDITS[@]}" | sort -r); do
	suture revert "$name" -s "$SUTURE_SOCKET"
	[ "$RC" = 0 ] || fail "$name: reverted out of order"
done
for name in chat armor emoticon; do
	eventually "$name: gone" no "$name"
done
all_well
is "all players are still in the game" 0 $?
exec {SAY}>&-
end_of "$PLAYERS_PID" 120
is "the players leave in good order" 0 "$CODE"
totals
