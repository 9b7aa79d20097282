#!/usr/bin/env bash
# The identity proof: every function of a running program is replaced, in one transaction, by one
# that calls its original through jump, island and relocated instructions (what is on a stack at
# that moment excepted). The program must not notice, and after the revert its text must be byte for
# byte the old one.
#
#	redis		its own test suite (./runtest, external mode) against such a server
#	lua		-O2 and -Os, a program that computes before, during and after
#	sqlite		-O2 and -Os, the same
#	arena		its bots, which check every answer
#	teeworlds	players made of the game's own code, by their snapshots' checksums
#
# A suite shows that what is emitted is right, not that the scanner finds every branch: that is what
# tests/unit/arch/scan.c and tests/e2e/check_all.sh are for.
# From CMake: SUTURE, SUTURE_AGENT, BUILD_DIR. IDENTITY_LUA, IDENTITY_SQLITE: source folders (../scripted/prepare.sh
# has them); without them these two are left out. ARENA_SERVER, ARENA_BOTS: the programs. IDENTITY_UNITS: units of redis' suite instead of all (slow) ones.
# shellcheck source=../redis/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../redis/lib.sh"
# shellcheck source=../teeworlds/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../teeworlds/lib.sh"
set -u
REAL=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS=${BUILD_DIR:?}/bin
: "${SUTURE:?}" "${SUTURE_AGENT:?}"
need jq cc tclsh
make_work
export SUTURE_DIR=$WORK

# Code of the program, as it is in memory.
text_of() { # PID EXE
	local range start end
	range=$(awk -v exe="$2" '$2 ~ /x/ && $6 == exe { print $1; exit }' "/proc/$1/maps")
	start=$((16#${range%-*})) end=$((16#${range#*-}))
	tail -c "+$((start + 1))" "/proc/$1/mem" 2>/dev/null | head -c $((end - start)) | sha256sum
}

make_patch() { # EXE NOT_THIS…
	"$TOOLS/identity_patch" "$@" >"$WORK/i.s" 2>"$WORK/summary" &&
		cc -c "$WORK/i.s" -o "$WORK/i.o" &&
		cc -shared -nostdlib -Wl,-z,now -Wl,-z,noexecstack -Wl,--build-id -Wl,--hash-style=gnu \
			-o "$WORK/i.so" "$WORK/i.o" &&
		"$TOOLS/seal_patch" "$WORK/i.so"
}

# Everything but what is on a stack now; who is in the way is left out, and tried again.
replace_all() { # NAME SOCKET EXE
	local not_these=main more rc
	for _ in $(seq 50); do
		more=
		# shellcheck disable=SC2086
		make_patch "$3" $not_these || { fail "$1: patch is made"; return 1; }
		"$SUTURE" apply --json --timeout 2s "$WORK/i.so" -s "$2" >"$WORK/answer"
		rc=$?
		case $rc in
		8) continue ;; # a busy machine; the agent goes on, and answers the next request when it is done
		5) more=$(jq -r '.. | .blockers? // empty | .[] | .function, .backtrace[]' "$WORK/answer" |
			sed 's/[+ ].*//' | grep -v '^0x' | sort -u | tr '\n' ' ') ;;
		4) # no memory is free where a punned jump could lead in this process
			more=$(jq -r 'select(.error.code == "UNPATCHABLE_ENTRY").error.message | sub(" at 0x.*"; "")' \
				"$WORK/answer") ;;
		*) break ;;
		esac
		[ "$rc" = 5 ] || [ -n "$more" ] || break
		not_these="$not_these $more"
	done
	is "$1: applied" 0 "$rc"
	say "$1: $(cat "$WORK/summary"); $(jq -r '"prepare \(.prepare_us) us, pause \(.pause_us) us, \(.rung)"' "$WORK/answer")"
	return "$rc"
}

put_back() { # NAME SOCKET
	local rc
	for _ in $(seq 10); do
		"$SUTURE" revert --timeout 120s identity -s "$2" >/dev/null
		rc=$?
		[ "$rc" = 8 ] || break
	done
	is "$1: reverted" 0 "$rc"
}

# ---- redis ---------------------------------------------------------------------------------------
redis() {
	local before tree
	"$REAL/redis/prepare.sh" "$WORK/redis" || return
	# shellcheck source=/dev/null
	. "$WORK/redis/env"
	tree=$REDIS_TREE
	export SUTURE_SOCKET=$WORK/redis.sock
	start_server redis "$REDIS_SERVER" '' LD_PRELOAD="$SUTURE_AGENT" || { fail "redis starts"; return; }
	before=$(text_of "$SERVER_PID" "$REDIS_SERVER")
	replace_all redis "$SUTURE_SOCKET" "$REDIS_SERVER" || return
	[ "$before" != "$(text_of "$SERVER_PID" "$REDIS_SERVER")" ]
	is "redis: its text is another one" 0 $?
	# shellcheck disable=SC2046
	(cd "$tree" && timeout 1200 env -u SUTURE_SOCKET ./runtest --host 127.0.0.1 --port "$SERVER_PORT" \
		--clients 1 --tags "-slow -needs:debug" \
		$(for unit in ${IDENTITY_UNITS:-}; do printf -- '--single %s ' "$unit"; done)) >"$WORK/suite" 2>&1
	is "redis: its test suite ends well" 0 $?
	is "redis: tests that failed" 0 "$(grep -acE '\[.*(err|exception).*\]: ' "$WORK/suite")"
	say "redis: $(grep -acE '\[.*ok.*\]: ' "$WORK/suite") tests passed"
	put_back redis "$SUTURE_SOCKET"
	is "redis: text is byte for byte what it was" "$before" "$(text_of "$SERVER_PID" "$REDIS_SERVER")"
	stop_pid "$SERVER_PID"
}

# ---- programs that read a script from a pipe ------------------------------------------------------
# NAME SCRIPT END COMMAND…: SCRIPT goes to its input before, with everything replaced, and after; answers are equal.
piped() {
	local name=$1 script=$2 last=$3 exe=$4 before pid round
	shift 3
	export SUTURE_SOCKET=$WORK/$name.sock
	mkfifo "$WORK/$name.in"
	LD_PRELOAD=$SUTURE_AGENT "$@" <"$WORK/$name.in" >"$WORK/$name.out" 2>"$WORK/$name.err" &
	pid=$!
	PIDS+=("$pid")
	exec 8>"$WORK/$name.in"
	for round in 1 2 3; do
		case $round in
		2) before=$(text_of "$pid" "$exe")
			replace_all "$name" "$SUTURE_SOCKET" "$exe" || break ;;
		3) put_back "$name" "$SUTURE_SOCKET"
			is "$name: text is byte for byte what it was" "$before" "$(text_of "$pid" "$exe")" ;;
		esac
		cat "$script" >&8
		for _ in $(seq 1200); do
			[ "$(grep -c "$last" "$WORK/$name.out")" -ge "$round" ] && break
			sleep 0.1
		done
		cp "$WORK/$name.out" "$WORK/$name.$round"
	done
	exec 8>&-
	end_of "$pid" 120
	is "$name: ends well" 0 "$CODE"
	# Three times the same.
	cat "$WORK/$name.1" "$WORK/$name.1" "$WORK/$name.1" >"$WORK/$name.wanted"
	cmp -s "$WORK/$name.wanted" "$WORK/$name.out"
	is "$name: answers are the same all the time" 0 $?
	is "$name: answers there are" 1 "$(grep -c "$last" "$WORK/$name.1")"
}


lua() { # SOURCES
	local level files
	cat >"$WORK/work.lua" <<'END'
local s, t = 0, {}
for i = 1, 200000 do t[#t + 1] = (i * 7919) % 1009 s = s + t[#t] end
table.sort(t)
print(s, t[1], t[#t], #table.concat(t, ","))
local words = coroutine.wrap(function()
	for w in ("the quick brown fox"):gmatch("%a+") do coroutine.yield(w:upper():rep(3, "-")) end
end)
for i = 1, 4 do io.write(words(), " ") end
local ok, e = pcall(function() local x = nil; return x.y end)
print(ok, #e > 10, string.format("%5.2f %q %x", math.pi, "a\nb", 255))
print(setmetatable({}, {__index = function(_, k) return k * 2 end})[21], utf8.char(228, 8364))
collectgarbage()
print("lua-end")
io.stdout:flush()
END
	printf 'for line in io.lines() do dofile(line) end\n' >"$WORK/driver.lua"
	printf '%s\n' "$WORK/work.lua" >"$WORK/lua.script"
	for level in O2 Os; do
		files=$(cd "$1/src" && find . -maxdepth 1 -name '*.c' ! -name luac.c -printf '%f ')
		# shellcheck disable=SC2086
		(cd "$1/src" && cc -$level -g -DLUA_USE_LINUX -o "$WORK/lua-$level" $files -lm -ldl) ||
			{ fail "lua -$level is built"; continue; }
		piped "lua-$level" "$WORK/lua.script" lua-end "$WORK/lua-$level" "$WORK/driver.lua"
	done
}

sqlite() { # FOLDER with sqlite3.c and shell.c
	local level
	cat >"$WORK/sqlite.script" <<'END'
DROP TABLE IF EXISTS t;
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
	INSERT INTO t SELECT i, hex(i * 7919 % 1009), i / 7.0 FROM n;
CREATE INDEX i ON t(b);
SELECT count(*), sum(a), round(avg(c), 6), min(b), max(b) FROM t;
SELECT b, count(*) FROM t GROUP BY b ORDER BY 2 DESC, 1 LIMIT 5;
DELETE FROM t WHERE a % 3 = 0;
UPDATE t SET b = upper(b) || '-' || a WHERE a BETWEEN 10 AND 900;
SELECT group_concat(b) FROM (SELECT b FROM t WHERE a < 60);
SELECT json_extract('{"a":[1,2,{"b":3}]}', '$.a[2].b'), printf('%.3f', 3.14159), strftime('%Y', 0, 'unixepoch');
PRAGMA integrity_check;
SELECT 'sqlite-end';
END
	for level in O2 Os; do
		cc -$level -g -o "$WORK/sqlite-$level" "$1/sqlite3.c" "$1/shell.c" -lpthread -ldl -lm ||
			{ fail "sqlite -$level is built"; continue; }
		piped "sqlite-$level" "$WORK/sqlite.script" sqlite-end "$WORK/sqlite-$level" -batch
	done
}

# ---- games ---------------------------------------------------------------------------------------
arena() {
	local before pid bots port
	export SUTURE_SOCKET=$WORK/arena.sock
	LD_PRELOAD=$SUTURE_AGENT "$ARENA_SERVER" --port 0 --port-file "$WORK/arena.port" >"$WORK/arena.log" 2>&1 &
	pid=$!
	PIDS+=("$pid")
	for _ in $(seq 600); do
		[ -s "$WORK/arena.port" ] && break
		sleep 0.1
	done
	port=$(cat "$WORK/arena.port")
	"$ARENA_BOTS" --port "$port" --bots 30 --seconds 12 --json "$WORK/bots.json" >"$WORK/bots.log" 2>&1 &
	bots=$!
	PIDS+=("$bots")
	sleep 1
	before=$(text_of "$pid" "$ARENA_SERVER")
	replace_all arena "$SUTURE_SOCKET" "$ARENA_SERVER" || return
	[ "$before" != "$(text_of "$pid" "$ARENA_SERVER")" ]
	is "arena: its text is another one" 0 $?
	sleep 3
	put_back arena "$SUTURE_SOCKET"
	is "arena: text is byte for byte what it was" "$before" "$(text_of "$pid" "$ARENA_SERVER")"
	end_of "$bots" 120
	is "arena: the bots are content" 0 "$CODE"
	is "arena: wrong answers, players lost" "0 0" "$(jq -r '"\(.wrong) \(.lost)"' "$WORK/bots.json")"
	stop_pid "$pid"
}

teeworlds() {
	local before seen
	"$REAL/teeworlds/prepare.sh" "$WORK/tw" || return
	# shellcheck source=/dev/null
	. "$WORK/tw/env"
	export SUTURE_SOCKET=$WORK/tw.sock
	start_game
	wait_for_all
	is "teeworlds: $PLAYERS players are in the game" 0 $?
	is "teeworlds: functions that no jump fits" 0 \
		"$("$SUTURE" check --all-functions "$TW_SERVER" --json | jq '.unpatchable | length')"
	before=$(text_of "$SERVER_PID" "$TW_SERVER")
	replace_all teeworlds "$SUTURE_SOCKET" "$TW_SERVER" || return
	[ "$before" != "$(text_of "$SERVER_PID" "$TW_SERVER")" ]
	is "teeworlds: its text is another one" 0 $?
	look
	seen=$(jq .snapshots <<<"$LOOK")
	sleep 4
	for _ in $(seq 60); do
		sleep 1
		look
		[ "$(jq '.snapshots // 0' <<<"$LOOK")" -le $((seen + 20)) ] || break
	done
	[ "$(jq '.snapshots // 0' <<<"$LOOK")" -gt $((seen + 20)) ]
	is "teeworlds: the world moves on" 0 $?
	all_well
	is "teeworlds: all play on, no snapshot is broken" 0 $?
	put_back teeworlds "$SUTURE_SOCKET"
	is "teeworlds: text is byte for byte what it was" "$before" "$(text_of "$SERVER_PID" "$TW_SERVER")"
	sleep 1
	all_well
	is "teeworlds: all are well" 0 $?
	exec {SAY}>&-
	end_of "$PLAYERS_PID" 120
	is "teeworlds: the players leave in good order" 0 "$CODE"
	stop_pid "$SERVER_PID"
}

[ -z "${IDENTITY_LUA:-}" ] || lua "$IDENTITY_LUA"
[ -z "${IDENTITY_SQLITE:-}" ] || sqlite "$IDENTITY_SQLITE"
[ -z "${ARENA_SERVER:-}" ] || arena
[ -n "${IDENTITY_NO_TEEWORLDS:-}" ] || teeworlds
[ -n "${IDENTITY_NO_REDIS:-}" ] || redis
totals
