#!/usr/bin/env bash
# A real server under load gets the agent, again and again in fresh processes: no request fails, none
# is lost, nobody crashes. Skipped where tests/real/redis has left no redis-server in its cache.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

ROUNDS=${ROUNDS:-5}
CACHE=${SUTURE_REAL_CACHE:-$HOME/.cache/suture-real}/redis
REDIS=$(find "$CACHE" -path '*/src/redis-server' -type f -perm -u+x 2>/dev/null | head -n 1)
[ -n "$REDIS" ] || skip "no redis-server in $CACHE"
CLI=${REDIS%-server}-cli
[ -x "$CLI" ] || skip "no redis-cli beside it"

answers() { [ "$("$CLI" -s "$SOCKET" ping 2>/dev/null)" = PONG ]; }

# Each pipe of 2,000 commands must come back whole.
load() {
	local n=0 got
	while [ -e "$WORK/load" ]; do
		got=$(for ((k = 0; k < 2000; k++)); do echo "INCR counter$1"; done | "$CLI" -s "$SOCKET" | tail -n 1)
		n=$((n + 2000))
		[ "$got" = "$n" ] || echo "client $1: $got instead of $n" >>"$WORK/bad"
	done
	echo "$n" >"$WORK/done$1"
}

for ((round = 0; round < ROUNDS; round++)); do
	SOCKET=$WORK/redis$round.sock
	"$REDIS" --port 0 --unixsocket "$SOCKET" --save '' --dir "$WORK" >"$WORK/redis.log" 2>&1 &
	SERVER=$!
	PIDS+=("$SERVER")
	until_true "redis" answers
	touch "$WORK/load"
	load 1 &
	FIRST=$!
	load 2 &
	SECOND=$!
	PIDS+=("$FIRST" "$SECOND")
	sleep 0.3
	step "attach" 0 '.result == "attached" and .changed' attach "$SERVER"
	printf '      away %s us, %s tries\n' "$(j .borrowed_us)" "$(j .tries)"
	step "it serves" 0 ".pid == $SERVER" status -p "$SERVER"
	sleep 0.3
	rm "$WORK/load"
	wait "$FIRST" "$SECOND"
	is "requests that failed" 0 "$(cat "$WORK/bad" 2>/dev/null | wc -l)"
	check "all requests were counted" test "$("$CLI" -s "$SOCKET" get counter1)" = "$(cat "$WORK/done1")"
	"$CLI" -s "$SOCKET" shutdown nosave
	wait "$SERVER"
	is "it ends well" 0 $?
done
totals
