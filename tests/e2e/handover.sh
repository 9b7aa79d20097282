#!/usr/bin/env bash
# docs/HANDOVER.md: a change that no patch can make goes in by a successor that takes over listening
# socket, connections and players, while bots play; back again the same way; and one that fails to
# take over at any step leaves the server as it was.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need patch python3

SOCKET=$WORK/arena.handover
OTHER=$WORK/other
cp -r "$ARENA_SOURCE" "$OTHER"
patch -s -d "$OTHER" -p1 <"$ARENA_SOURCE/diffs/layout-coin-last.diff" || die "the diff does not apply"
cmake -S "$OTHER" -B "$OTHER/build" -DCMAKE_C_COMPILER="${CC:-cc}" -DSUTURE_INCLUDE="$ROOT/include" >"$WORK/cmake.txt" 2>&1 &&
	cmake --build "$OTHER/build" --target arena-server >>"$WORK/cmake.txt" 2>&1 || die "$(tail -n 20 "$WORK/cmake.txt")"

server() {      # NAME PROGRAM OPTION…; sets PID
	local name=$1
	shift
	"$@" --handover "$SOCKET" --port-file "$WORK/$name.port" >"$WORK/$name.out" 2>"$WORK/$name.err" &
	PID=$!
	PIDS+=("$PID")
	until_true "$name's port" test -s "$WORK/$name.port" || { cat "$WORK/$name.err"; totals; exit 1; }
}
gone() { ! alive "$1" || [ "$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status")" = Z ]; }
ended() {       # TEXT PID
	until_true "$1" gone "$2"
	wait "$2"
	is "$1" 0 $?
}

step "the change is refused as a patch" 4 '.refusals[0].code == "LAYOUT_CHANGED"' build -C "$BUILD_DIR" \
	--source "$ARENA_SOURCE" --binary "$ARENA_SERVER" -o "$WORK/no.so" "$ARENA_SOURCE/diffs/layout-coin-last.diff"

server first "$ARENA_SERVER" --port 0 --rooms 3
FIRST=$PID
PORT=$(cat "$WORK/first.port")
"$ARENA_BOTS" --port "$PORT" --bots 24 --seconds 0 --json "$WORK/bots.json" --quiet &
BOTS=$!
PIDS+=("$BOTS")
players() { [ "$("$ARENA_BOTS" stats --port "$PORT" | jq .players)" -ge 24 ]; }
until_true "the bots" players

# ---- successors that fail: at each packet, and one that says it is ready and is gone -------------

visit() {       # PACKETS ANSWER
	python3 - "$SOCKET" "$1" "$2" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		s.settimeout(20)
		s.connect(sys.argv[1])
		count = 0
		while count < int(sys.argv[2]):
		    data = s.recv(65536)
		    count += 1
		    if not data or data.startswith(b"end"):
		        break
		if sys.argv[3]:
		    s.send(sys.argv[3].encode())
		s.close()
	END
}
goes_on() { [ "$(grep -c 'did not take over' "$WORK/first.err")" -ge "$1" ] && players; }
failures=0
for packets in 0 1 2 5 12 1000; do
	visit "$packets" ''
	failures=$((failures + 1))
	until_true "the server after a successor that left at packet $packets" goes_on "$failures"
done
visit 1000 $'nonsense\n'
until_true "the server after one that answered nonsense" goes_on $((failures + 1))
check "it is still the first one" alive "$FIRST"

# ---- one that takes over, and back ---------------------------------------------------------------

server second "$OTHER/build/arena-server" --take-over "$SOCKET"
SECOND=$PID
ended "the first one ends" "$FIRST"
is "the same port" "$PORT" "$(cat "$WORK/second.port")"
until_true "the players" players
server third "$ARENA_SERVER" --take-over "$SOCKET"
THIRD=$PID
ended "the second one ends" "$SECOND"
until_true "the players" players
"$ARENA_BOTS" stats --port "$PORT" >"$WORK/stats.json"
is "nothing was made of nothing" 0 "$(jq .duplicated "$WORK/stats.json")"

# A server that nobody can take over from is said to be one.
if "$ARENA_SERVER" --take-over "$WORK/nobody" >"$WORK/nobody.txt" 2>&1; then code=0; else code=$?; fi
is "nobody there" 1 "$code"
check "and says so" grep -q 'no server to take over from' "$WORK/nobody.txt"

kill -INT "$BOTS"
wait "$BOTS"
is "the bots are content" 0 $?
is "no player lost" 0 "$(jq .lost "$WORK/bots.json")"
is "no wrong answer" 0 "$(jq .wrong "$WORK/bots.json")"
is "none unanswered" 0 "$(jq .unanswered "$WORK/bots.json")"
kill -TERM "$THIRD"
ended "the third one ends" "$THIRD"
check "its socket goes with it" test ! -e "$SOCKET"
totals
