# Shared by the scripts of this folder, and by who else wants a redis; sourced, never run.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"
HERE=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

build_clients() {
	local out
	for out in load probe; do
		cc -std=gnu17 -O2 -g -Wall -Wextra -pthread -o "$WORK/$out" "$HERE/$out.c" "$HERE/resp.c" ||
			die "cannot compile $out.c"
	done
}

# start_server NAME EXE PASSWORD [VAR=VALUE…]: sets SERVER_PID and SERVER_PORT. A port that somebody
# else takes between the choice and the bind makes redis exit at once; then the next one is tried.
start_server() {
	local name=$1 exe=$2 password=$3 try i
	shift 3
	for try in 1 2 3 4 5; do
		SERVER_PORT=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		mkdir -p "$WORK/$name"
		# no core files, no memory test after a deliberate crash, nothing on disk, no defaults from /etc
		(
			ulimit -c 0
			cd "$WORK/$name" || exit 1
			exec env "$@" "$exe" --bind 127.0.0.1 --port "$SERVER_PORT" --save '' --appendonly no \
				--dir "$WORK/$name" --daemonize no --crash-memcheck-enabled no --loglevel notice \
				--enable-debug-command local \
				${password:+--requirepass "$password"}
		) >"$WORK/$name.log" 2>&1 </dev/null &
		SERVER_PID=$!
		PIDS+=("$SERVER_PID")
		for ((i = 0; i < 600; i++)); do
			if grep -q 'Ready to accept connections' "$WORK/$name.log"; then
				return 0
			fi
			kill -0 "$SERVER_PID" 2>/dev/null || break
			sleep 0.1
		done
		say "server $name did not come up on port $SERVER_PORT (try $try)"
		stop_pid "$SERVER_PID"
	done
	tail -n 20 "$WORK/$name.log" >&2
	return 1
}

# crash_probe PID: asks the question that may kill the server. ANSWER, and CODE as of end_of when the
# answer says that it died. The shell announces a child's SIGSEGV on stderr: not news here.
crash_probe() {
	{
		ANSWER=$(answer 32023-crash)
		CODE=alive
		[ "$ANSWER" != vulnerable ] || end_of "$1" 120
	} 2>/dev/null
}
