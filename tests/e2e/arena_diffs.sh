#!/bin/bash
# The arena's diffs: each applies to the sources as they are; with each fix the bug is gone and the
# bots are still content, and the fixes go together. Otherwise a live patch built from one of them
# could not be blamed for anything.
#
# ARENA_BOTS: the program. CC: the compiler (gcc). Exit code 0 passed, 1 failed, 77 skipped.
set -u

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

if [ ! -x "${ARENA_BOTS:-}" ]; then
	echo "SKIP: ARENA_BOTS has to name the program"
	exit 77
fi
for tool in patch "${CC:-gcc}"; do
	if ! command -v "$tool" >/dev/null; then
		echo "SKIP: no $tool here"
		exit 77
	fi
done

arena=$(cd "$(dirname "$0")/../../patches/arena" && pwd) || exit 1
work=$(mktemp -d) || exit 1
server=
clean_up() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$work"
}
trap clean_up EXIT

# The server with these diffs, in $work/arena-server, running on $port.
start_with() {
	rm -rf "$work/tree" "$work/port"
	mkdir "$work/tree"
	cp -r "$arena/server" "$work/tree/"
	for diff in "$@"; do
		patch -s -p1 -d "$work/tree" <"$arena/diffs/$diff.diff" || fail "$diff doesn't apply"
	done
	"${CC:-gcc}" -D_GNU_SOURCE -I"$arena/../../include" -std=gnu17 -O2 -Wall -Wextra -Werror -pthread \
		-o "$work/arena-server" "$work"/tree/server/*.c || fail "doesn't compile with $*"
	"$work/arena-server" --port 0 --port-file "$work/port" >"$work/server.log" 2>&1 &
	server=$!
	for _ in $(seq 1200); do
		[ -s "$work/port" ] && break
		sleep 0.1
	done
	[ -s "$work/port" ] || fail "the server doesn't start: $(cat "$work/server.log")"
	port=$(cat "$work/port")
}

stop() {
	kill -TERM "$server"
	wait "$server" || fail "the server ended with $?: $(cat "$work/server.log")"
	server=
}

expect_gone() {
	"$ARENA_BOTS" probe "$1" --port "$port"
	local code=$?
	[ "$code" = 1 ] || fail "probe $1: exit code $code, not 1 (gone)"
}

expect_content() {
	"$ARENA_BOTS" --port "$port" --bots 20 --seconds 2 --pace-ms 30 --quiet --json - \
		>"$work/report.json" || fail "the bots are not content: $(cat "$work/report.json")"
	grep -q '"slowed_down":0,' "$work/report.json" || fail "honest bots were slowed down"
}

for diff in "$arena"/diffs/*.diff; do
	patch -p1 --dry-run -F0 -d "$arena" <"$diff" >"$work/patch.log" ||
		fail "$diff doesn't apply: $(cat "$work/patch.log")"
done

fixes="coin-dup pathing trade-limit leaderboard-ties"
for fix in $fixes; do
	start_with "$fix"
	expect_gone "$fix"
	expect_content
	stop
done

# shellcheck disable=SC2086 # one word for each fix
start_with $fixes prices
for fix in $fixes; do
	expect_gone "$fix"
done
expect_content
exec {game}<>"/dev/tcp/127.0.0.1/$port"
printf 'shop\nquit\n' >&"$game"
grep -q 'crown 400' <&"$game" || fail "the new price is not in the shop"
exec {game}>&-
stop
for other in layout-coin-last data-initial comment-only comment-lines player-distance; do
	start_with "$other"
	expect_content
	stop
done
echo "PASS"
