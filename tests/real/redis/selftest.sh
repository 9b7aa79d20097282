#!/usr/bin/env bash
# Are the probes and the load right? Asked without any live patch: the redis before the three fixes
# must answer "vulnerable" to each probe, the one with them compiled in "fixed", the load must find no
# fault with either, and must find those that are put in its way. 15 seconds once the builds are cached.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
set -u
FIXES=CVE-2024-51741,CVE-2025-21605,CVE-2025-32023
PASSWORD=secret

need jq cc
make_work
"$HERE/prepare.sh" --fixed "$FIXES" "$WORK/redis" || exit
# shellcheck source=/dev/null
. "$WORK/redis/env"
build_clients

answer() { timeout 60 "$WORK/probe" "$1" 127.0.0.1 "$SERVER_PORT" "$PASSWORD" | jq -r .answer; }

load_start() {
	"$WORK/load" -p "$SERVER_PORT" -a "$PASSWORD" -s 60 -t 2 >"$WORK/load.out" 2>"$WORK/load.err" &
	LOAD=$!
	PIDS+=("$LOAD")
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		grep -q started "$WORK/load.out" && return
		sleep 0.2
	done
	cat "$WORK/load.err" >&2
	die "the load did not start"
}

load_stop() {
	kill -TERM "$LOAD"
	end_of "$LOAD" 60
	LOAD_RC=$CODE
	LOAD_SUM=$(tail -n 1 "$WORK/load.out")
}

round() {   # NAME EXE WANTED
	start_server "$1" "$2" "$PASSWORD" || { fail "$1: server starts"; return; }
	local server=$SERVER_PID p
	load_start
	sleep 1
	for p in 51741 21605 32023; do
		is "$1: probe $p under load" "$3" "$(answer $p)"
	done
	sleep 1
	load_stop
	is "$1: load's exit status" 0 "$LOAD_RC"
	is "$1: failed and dropped" "0 0" "$(jq -r '"\(.failed) \(.dropped)"' <<<"$LOAD_SUM")"
	printf '      %s\n' "$LOAD_SUM"
	crash_probe "$server"
	is "$1: probe 32023-crash" "$3" "$ANSWER"
	if [ "$3" = vulnerable ]; then
		is "$1: died of SIGSEGV" 139 "$CODE"
	else
		is "$1: after it" alive "$CODE"
		stop_pid "$server"
	fi
}
round base "$REDIS_SERVER" vulnerable
round fixed "$REDIS_FIXED" fixed

# A load that can't fail shows nothing. Four faults, each of which it must see.
cli() { REDISCLI_AUTH=$PASSWORD "$REDIS_CLI" -p "$SERVER_PORT" "$@" >/dev/null 2>&1; }
fault() {   # TEXT COMMAND…
	local text=$1
	shift
	load_start
	sleep 0.5
	"$@"
	sleep 0.3
	load_stop
	is "the load notices $text" 1 "$LOAD_RC"
}
kill_a_client() { cli CLIENT KILL ID "$(REDISCLI_AUTH=$PASSWORD "$REDIS_CLI" -p "$SERVER_PORT" \
	CLIENT LIST | sed -n '/ db=0 .* cmd=auth /s/^id=\([0-9]*\) .*/\1/p' | head -n 1)"; }
start_server faulty "$REDIS_SERVER" "$PASSWORD" || die "no server"
fault "a lost key" cli DEL load:canary:7
fault "a counter that jumps" cli INCR load:shared
fault "an idle client that is dropped" kill_a_client
fault "a blocked client that is woken" cli RPUSH load:never now now
freeze() { kill -STOP "$SERVER_PID"; sleep 0.4; kill -CONT "$SERVER_PID"; }
load_start
sleep 0.3
freeze
sleep 0.3
load_stop
is "the load sees a stall of 400 ms ($(jq .longest_gap_us <<<"$LOAD_SUM") us)" true \
	"$(jq '.longest_gap_us > 350000 and .failed == 0' <<<"$LOAD_SUM")"
totals
