# A teeworlds server and its players; sourced, never run. Needs the variables of prepare.sh's env.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
PLAYERS=6

# Sets SERVER_PID, PLAYERS_PID, and the descriptors SAY and HEAR of the players.
start_game() {
	local try i port
	for try in 1 2 3 4 5; do
		port=$((32000 + RANDOM % 20000))
		(
			ulimit -c 0
			cd "$TW_TREE" || exit 1
			exec env LD_PRELOAD="$SUTURE_AGENT" "$TW_SERVER" "bindaddr 127.0.0.1; sv_port $port; sv_register 0; sv_map dm1" \
				"sv_spamprotection 0; sv_scorelimit 0; sv_timelimit 0; sv_inactivekick 0; sv_warmup 0; sv_high_bandwidth 1" \
				"sv_max_clients_per_ip 16; sv_rcon_password x"
		) >"$WORK/server.log" 2>&1 </dev/null &
		SERVER_PID=$!
		PIDS+=("$SERVER_PID")
		for ((i = 0; i < 600; i++)); do
			grep -q 'server name is' "$WORK/server.log" && break 2
			alive "$SERVER_PID" || break
			sleep 0.1
		done
		say "the server did not come up on port $port (try $try)"
		stop_pid "$SERVER_PID"
	done
	mkfifo "$WORK/say" "$WORK/hear"
	"$TW_PLAYERS" "$port" "$PLAYERS" <"$WORK/say" >"$WORK/hear" 2>"$WORK/players.log" &
	PLAYERS_PID=$!
	PIDS+=("$PLAYERS_PID")
	exec {SAY}>"$WORK/say" {HEAR}<"$WORK/hear"
}

tell() { printf '%s\n' "$1" >&"$SAY"; }
look() {
	LOOK='{}'
	tell look && IFS= read -r -t 60 LOOK <&"$HEAR"
}
all_well() {
	look
	[ "$(jq '.well' <<<"$LOOK")" = "$PLAYERS" ] && [ "$(jq .broken <<<"$LOOK")" = 0 ] && alive "$SERVER_PID"
}
wait_for_all() {
	local i
	for ((i = 0; i < 240; i++)); do
		all_well && [ "$(jq .alive <<<"$LOOK")" = true ] && return
		sleep 0.5
	done
	say "players: $LOOK"
	return 1
}
