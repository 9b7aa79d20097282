#!/usr/bin/env bash
# Programs as Debian ships them get the agent, again and again in fresh processes, the servers under load: no
# crash, no request that fails, nothing of the process changed but what docs/LIMITS.md says; and an nginx with
# four workers is patched as a family.
#
#   ATTACH_ROUNDS=200 run.sh [redis|nginx|teeworlds|sqlite3|python3|family]…      (4 rounds in CI)
#
# From CMake: SUTURE SUTURE_AGENT BUILD_DIR. Packages are kept in SUTURE_REAL_CACHE (~/.cache/suture-real).
# shellcheck source=../../e2e/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../e2e/lib.sh"
HERE=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
ROUNDS=${ATTACH_ROUNDS:-200}
[ $# -gt 0 ] || set -- redis nginx teeworlds sqlite3 python3 family
need python3
# Others' machines: where the test must run, a skip is a failure.
unavailable() {
	[ -n "${SUTURE_REAL_REQUIRE:-}" ] && die "$*"
	skip "$*"
}

# ---- the programs --------------------------------------------------------------------------------

CACHE=${SUTURE_REAL_CACHE:-$HOME/.cache/suture-real}/debian
PACKAGES=(nginx redis-tools teeworlds-server teeworlds-data libjemalloc2 liblzf1)
fetch() {
	mkdir -p "$CACHE" || die "cannot write to $CACHE"
	exec 8>"$CACHE/lock"
	flock -w 600 8 || die "another run holds $CACHE/lock"
	if [ ! -f "$CACHE/complete" ]; then
		command -v apt-get >/dev/null && command -v dpkg >/dev/null || unavailable "no apt-get and dpkg here"
		(cd "$CACHE" && apt-get -qq -o Acquire::Retries=5 download "${PACKAGES[@]}" 2>"$WORK/apt.log" &&
			for file in *.deb; do dpkg -x "$file" root || exit; done && touch complete) ||
			{ tail -n 3 "$WORK/apt.log"; unavailable "Debian's packages can't be had"; }
	fi
	flock -u 8
}
fetch
ROOT_OF=$CACHE/root
export LD_LIBRARY_PATH=$ROOT_OF/usr/lib/x86_64-linux-gnu

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# server COMMAND…: sets PID
server() {
	"$@" >"$WORK/server.out" 2>&1 </dev/null &
	PID=$!
	PIDS+=("$PID")
}
begin_redis() {
	PORT=$(free_port)
	ln -sf "$ROOT_OF/usr/bin/redis-check-rdb" "$WORK/redis-server"
	server "$WORK/redis-server" --port "$PORT" --bind 127.0.0.1 --save '' --dir "$WORK"
	KIND=redis
}
begin_teeworlds() {
	PORT=$(free_port)
	mkdir -p "$WORK/tw"
	ln -sfn "$ROOT_OF/usr/share/games/teeworlds/data" "$WORK/tw/data"
	(cd "$WORK/tw" && exec env HOME="$WORK/tw" XDG_DATA_HOME="$WORK/tw" "$ROOT_OF/usr/games/teeworlds-server" \
		"bindaddr 127.0.0.1" "sv_port $(free_port)" "sv_register 0" "sv_map dm1" "ec_bindaddr 127.0.0.1" "ec_port $PORT" \
		"ec_password secret" >"$WORK/server.out" 2>&1 </dev/null) &
	PID=$!
	PIDS+=("$PID")
	KIND=econ
}
write_nginx() {
	PORT=$(free_port)
	mkdir -p "$WORK/www"
	printf 'unchanged\n' >"$WORK/www/file"
	chmod 755 "$WORK" "$WORK/www"
	cat >"$WORK/nginx.conf" <<-END
		$([ "$(id -u)" != 0 ] || echo 'user nobody nogroup;')
		daemon off; worker_processes 4; pid $WORK/nginx.pid; error_log $WORK/nginx.log;
		events { worker_connections 64; }
		http {
			access_log off; keepalive_requests 100000000;
			client_body_temp_path $WORK/t1; proxy_temp_path $WORK/t2; fastcgi_temp_path $WORK/t3;
			uwsgi_temp_path $WORK/t4; scgi_temp_path $WORK/t5;
			server { listen 127.0.0.1:$PORT; root $WORK/www; }
		}
	END
}
begin_nginx() {
	write_nginx
	server "$ROOT_OF/usr/sbin/nginx" -c "$WORK/nginx.conf" -e "$WORK/nginx.log"
	KIND=http
}

load_begins() { # CONNECTIONS
	coproc LOAD { exec python3 "$HERE/load.py" "$KIND" "$PORT" "$1" 2>"$WORK/load.err"; }
	LOAD_WRITES=${LOAD[1]} LOAD_READS=${LOAD[0]}
	read -r -t 90 -u "$LOAD_READS" LOAD_SAYS
	[ "$LOAD_SAYS" = ready ] || bad "the load does not begin"
}
load_ends() {
	LOADED=$LOAD_PID
	echo stop >&"$LOAD_WRITES"
	read -r -t 90 -u "$LOAD_READS" SERVED LOST
	[ "${SERVED:-0}" -gt 0 ] && [ "$LOST" = 0 ] || bad "of ${SERVED:-0} requests failed ${LOST:-all}: $(tail -n 2 "$WORK/load.err")"
	ALL_SERVED=$((ALL_SERVED + ${SERVED:-0}))
}
load_closes() { exec {LOAD_WRITES}>&-; wait "$LOADED" 2>/dev/null; }

# ---- one process ---------------------------------------------------------------------------------

bad() { fail "$PROGRAM, round $ROUND: $*"; }
threads_of() { find "/proc/$1/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l; }
# The agent has four: socket, epoll, eventfd, its memory.
agents_fds() { find "/proc/$1/fd" -mindepth 1 \( -lname 'socket:*' -o -lname 'anon_inode:?event*' -o -lname '/proc/*/mem' \) | wc -l; }
all_fds() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
strange_code() { awk '$2 ~ /x/ && $6 == ""' "/proc/$1/maps" | wc -l; }

# attach_one PID [still]: with still, nothing else changes its threads and descriptors meanwhile
attach_one() {
	local pid=$1 threads fds code
	threads=$(threads_of "$pid") fds=$(all_fds "$pid") code=$(strange_code "$pid")
	suture attach "$pid" --timeout 60s
	if [ "$RC" -ne 0 ]; then
		bad "attach: exit $RC: $(j .error.message)"
		return
	fi
	j .borrowed_us >>"$WORK/$PROGRAM.away"
	suture status -p "$pid"
	[ "$RC" -eq 0 ] || bad "status: exit $RC"
	[ "$(grep -lx suture "/proc/$pid/task/"*/comm | wc -l)" -eq 1 ] || bad "agent's threads: not one"
	[ "${2:-}" != still ] || [ "$(threads_of "$pid")" -eq $((threads + 1)) ] || bad "threads: $threads before, $(threads_of "$pid") after"
	[ "$(strange_code "$pid")" -eq "$code" ] || until_true "the mapping's end" no_more_code "$pid" "$code"
	# The agent's end of the connection of status goes when the agent has its turn.
	[ "${2:-}" != still ] || [ "$(all_fds "$pid")" -eq $((fds + 4)) ] || until_true "four more descriptors" has_fds "$pid" $((fds + 4))
}
has_fds() { [ "$(all_fds "$1")" -eq "$2" ]; }
no_more_code() { [ "$(strange_code "$1")" -le "$2" ]; }
sleeps() { grep -q '^State:[[:space:]]*S' "/proc/$1/status" && [ "$(cat "/proc/$1/comm")" = "$2" ]; }

round_redis() {
	begin_redis
	until_true "redis" listens "$PORT"
	load_begins 4
	attach_one "$PID"
	load_ends
	kill -TERM "$PID"
	wait "$PID" || bad "its end: $?"
	load_closes
}
round_teeworlds() {
	begin_teeworlds
	until_true "teeworlds" listens "$PORT"
	load_begins 2
	attach_one "$PID"
	load_ends
	if alive "$PID"; then
		stop_pid "$PID"
	else
		wait "$PID"
		bad "it is gone: $?: $(tail -n 3 "$WORK/server.out")"
	fi
	load_closes
}
four_workers() { [ "$(pgrep -c -P "$1")" = 4 ]; }
round_nginx() {
	local worker
	begin_nginx
	until_true "nginx" listens "$PORT"
	until_true "its workers" four_workers "$PID"
	load_begins 8
	for worker in "$PID" $(pgrep -P "$PID"); do
		attach_one "$worker"
	done
	load_ends
	kill -QUIT "$PID"
	wait "$PID" || bad "its end: $?"
	load_closes
	grep -E 'exited on signal|alert|Interrupted' "$WORK/nginx.log" && bad "its log"
}
round_sqlite3() {
	local input
	rm -f "$WORK/sql"
	mkfifo "$WORK/sql"
	sqlite3 -batch <"$WORK/sql" >"$WORK/sql.out" 2>&1 &
	PID=$!
	PIDS+=("$PID")
	exec {input}>"$WORK/sql"
	until_true "its prompt" sleeps "$PID" sqlite3
	attach_one "$PID" still
	printf 'select 6*7;\n' >&"$input"
	exec {input}>&-
	wait "$PID" || bad "its end: $?"
	[ "$(cat "$WORK/sql.out")" = 42 ] || bad "it says $(cat "$WORK/sql.out")"
}
round_python3() {
	local code
	for code in 'import time; print(flush=True); time.sleep(600)' \
		$'print(flush=True)\nx = []\nwhile True: x = [str(len(x))] + x[:99]'; do
		rm -f "$WORK/py.out"
		python3 -c "$code" >"$WORK/py.out" 2>&1 &
		PID=$!
		PIDS+=("$PID")
		until_true "python3" test -s "$WORK/py.out"
		attach_one "$PID" still
		alive "$PID" || bad "it is gone"
		stop_pid "$PID"
	done
}

rounds() {
	local before=$FAILED
	ALL_SERVED=0
	: >"$WORK/$PROGRAM.away"
	for ((ROUND = 1; ROUND <= ROUNDS; ROUND++)); do
		"round_$PROGRAM"
	done
	[ "$FAILED" -ne "$before" ] || pass "$PROGRAM: $ROUNDS rounds, $(wc -l <"$WORK/$PROGRAM.away") attaches, $ALL_SERVED requests"
	sort -n "$WORK/$PROGRAM.away" | awk -v name="$PROGRAM" '{ us[NR] = $1 } END { if (NR)
		printf "      %s: a thread was away for %d us (median), %d at most\n", name, us[int((NR + 1) / 2)], us[NR] }'
}

# ---- the family ----------------------------------------------------------------------------------

# A patch in which functions of nginx call their originals: whatever is on a stack now is left out.
identity() { # NOT_THIS…
	"$BUILD_DIR/bin/identity_patch" "$ROOT_OF/usr/sbin/nginx" "$@" >"$WORK/i.s" 2>"$WORK/summary" &&
		"${CC:-cc}" -shared -nostdlib -Wl,-z,now -Wl,-z,noexecstack -Wl,--build-id -Wl,--hash-style=gnu -o "$WORK/i.so" \
			"$WORK/i.s" && "$BUILD_DIR/bin/seal_patch" "$WORK/i.so"
}
family() {
	local not_these=main more
	write_nginx
	KIND=http
	server env LD_PRELOAD="$SUTURE_AGENT" "$ROOT_OF/usr/sbin/nginx" -c "$WORK/nginx.conf" -e "$WORK/nginx.log"
	until_true "nginx" listens "$PORT"
	until_true "its workers" four_workers "$PID"
	load_begins 8
	step "a master and four workers" 0 '(.processes | length) == 5' status --tree "$PID"
	for _ in $(seq 30); do
		# shellcheck disable=SC2086
		identity $not_these || { fail "the patch is made"; return; }
		suture check "$WORK/i.so" --tree "$PID" --timeout 1s
		# Also those whose only jump leads to where something else is in this start.
		more=$(jq -r '(.. | .blockers? // empty | .[] | .function, .backtrace[]),
			(.. | .refusals? // empty | .[] | select(.code == "UNPATCHABLE_ENTRY") | .message)' "$OUT" |
			sed 's/[+ ].*//' | grep -v '^0x' | sort -u | tr '\n' ' ')
		[ -n "$more" ] || break
		not_these="$not_these $more"
	done
	step "applied in all" 0 '(.processes | length) == 5 and all(.processes[]; .changed and .functions > 300)' \
		apply "$WORK/i.so" --tree "$PID"
	step "listed in all" 0 '(.processes | length) == 5 and all(.processes[]; .patches | length == 1)' list --tree "$PID"
	load_ends
	load_closes
	mapfile -t OLD_WORKERS < <(pgrep -P "$PID")
	kill -HUP "$PID"
	until_true "new workers" new_workers "$PID"
	load_begins 8
	step "workers that were born patched" 0 '[.processes[] | select(.patches | length == 1)] | length >= 5' list --tree "$PID"
	step "reverted in all" 0 'all(.processes[]; .changed)' revert "$(jq -r '.processes[0].patches[0].name' "$OUT")" --tree "$PID"
	load_ends
	kill -QUIT "$PID"
	wait "$PID"
	load_closes
	is "its end" 0 $?
	is "complaints in its log" 0 "$(grep -cE 'exited on signal|alert|Interrupted' "$WORK/nginx.log")"
}
# Four, and none of the old ones: looked up once, since they change meanwhile.
new_workers() {
	local now
	now=$(pgrep -P "$1")
	[ "$(wc -l <<<"$now")" = 4 ] && ! grep -qwFf <(printf '%s\n' "${OLD_WORKERS[@]}") <<<"$now"
}

ALL_SERVED=0
for PROGRAM; do
	printf -- '-- %s\n' "$PROGRAM"
	ROUND=0
	if [ "$PROGRAM" = family ]; then family; else rounds; fi
done
totals
