#!/usr/bin/env bash
# What the command line says and how it exits: wrong options, wrong targets, no agent, and each outcome
# of an apply, against fake_agent (the real server, canned answers). Text is compared exactly.
# From CMake: SUTURE, BUILD_DIR. Ends only what it started.
set -u
SUTURE=${SUTURE:?the suture to test}
FAKE=${FAKE_AGENT:-${BUILD_DIR:?}/bin/fake_agent}
unset LD_PRELOAD SUTURE_SOCKET SUTURE_DIR XDG_RUNTIME_DIR
export NO_COLOR=1 LC_ALL=C
[ -x "$SUTURE" ] || { printf 'SKIP: no %s\n' "$SUTURE"; exit 77; }
[ -x "$FAKE" ] || { printf 'SKIP: no %s\n' "$FAKE"; exit 77; }

WORK=$(mktemp -d "${TMPDIR:-/tmp}/suture-usage.XXXXXX") || exit 1
PASSED=0 FAILED=0 FAKE_PID=
cleanup() {
	exec 9>&-
	[ -z "$FAKE_PID" ] || wait "$FAKE_PID" 2>/dev/null
	rm -rf "$WORK"
}
trap cleanup EXIT

# expect TEXT CODE STDOUT STDERR -- ARGUMENTS…: runs suture; @PID@ in expectations is the fake's.
expect() {
	local text=$1 code=$2 out=${3//@PID@/$PID} err=${4//@PID@/$PID} rc
	shift 5
	"$SUTURE" "$@" >"$WORK/out" 2>"$WORK/err"
	rc=$?
	if [ "$rc" = "$code" ] && [ "$(cat "$WORK/out")" = "$out" ] && [ "$(cat "$WORK/err")" = "$err" ]; then
		PASSED=$((PASSED + 1))
	else
		FAILED=$((FAILED + 1))
		printf 'FAIL: %s (suture %s): exit %s, expected %s\n' "$text" "$*" "$rc" "$code"
		diff <(printf '%s\n' "$out") "$WORK/out" | sed 's/^/  out: /'
		diff <(printf '%s\n' "$err") "$WORK/err" | sed 's/^/  err: /'
	fi
}

# The fake lives as long as descriptor 9 of this shell.
mkfifo "$WORK/stop"
"$FAKE" <"$WORK/stop" >"$WORK/ready" 2>&1 &
FAKE_PID=$!
exec 9>"$WORK/stop"
for _ in $(seq 1200); do
	grep -q '^ready' "$WORK/ready" && break
	sleep 0.05
done
read -r _ PID SOCKET <"$WORK/ready"
for word in ok busy layout signature evil slow; do
	printf '\177ELF%s\n' "$word" >"$WORK/$word.so"
done
printf 'diff --git\n' >"$WORK/text.so"
cd "$WORK" || exit 1

# ---- usage ---------------------------------------------------------------------------------------
expect "no command" 2 "" "suture: no command (USAGE)
  next: 'suture help' lists what there is" --
expect "unknown command" 2 "" "suture: unknown command 'aplly' (USAGE)
  next: did you mean 'apply'?" -- aplly
expect "another shell" 2 "" "suture: no completion for 'tcsh' (USAGE)
  next: suture completion bash" -- completion tcsh
expect "--wait for nothing" 2 "" "suture: --wait is for --confirm-within (USAGE)
  next: see 'suture help apply'" -- apply ok.so -p "$PID" --wait
expect "no number" 2 "" "suture: --last: 'many' is not a number (USAGE)
  next: see 'suture help events'" -- events -p "$PID" --last many
expect "a loop for no program" 2 "" "suture: --binary is missing: which program runs? (USAGE)
  next: suture watch -C BUILD_DIR --binary EXE -n NAME" -- watch -p "$PID"
expect "an agent that is older" 4 "" "suture: refused: agent 0.1.0 does not know 'events' (UNSUPPORTED)
  next: method 'help' lists what it knows" -- events -p "$PID"
expect "huge" 2 "" "suture: --timeout: '$(printf '9%.0s' $(seq 40))' is not a time (USAGE)
  next: write a number and a unit: 500us, 5ms, 10s, 2m, 1h" -- apply ok.so -p "$PID" --timeout "$(printf '9%.0s' $(seq 5000))"
expect "beyond all time" 2 "" "suture: --confirm-within: '25h' is longer than 24 hours (USAGE)
  next: see 'suture help apply'" -- apply ok.so -p "$PID" --confirm-within 25h
expect "before anybody can look" 2 "" "suture: --confirm-within: '5us' is shorter than 100 ms (USAGE)
  next: see 'suture help apply'" -- apply ok.so -p "$PID" --confirm-within 5us
expect "unknown option" 2 "" "suture: unknown option '--tiemout' (USAGE)
  next: did you mean '--timeout'?" -- apply --tiemout 5s ok.so -p "$PID"
expect "unknown letter" 2 "" "suture: unknown option '-x' (USAGE)
  next: see 'suture help list'" -- list -xp 1
expect "no scope" 2 "" "suture: a scope is KEY=VALUE, like room=42, not 'room' (USAGE)
  next: see 'suture help apply'" -- apply ok.so -p "$PID" --scope room
expect "value missing" 2 "" "suture: option '--timeout' needs a value (USAGE)
  next: see 'suture help apply'" -- apply ok.so --timeout
expect "letter's value missing" 2 "" "suture: option '-p' needs a value (USAGE)
  next: see 'suture help apply'" -- apply ok.so -p
expect "value too much" 2 "" "suture: option '--quiet' takes no value (USAGE)
  next: see 'suture help list'" -- list --quiet=3
expect "ambiguous" 2 "" "suture: option '--a' could be several (USAGE)
  next: see 'suture help apply'" -- apply --a ok.so
expect "no unit" 2 "" "suture: --timeout: '5' is not a time (USAGE)
  next: write a number and a unit: 500us, 5ms, 10s, 2m, 1h" -- apply ok.so --timeout 5 -p "$PID"
expect "no target" 2 "" "suture: no TARGET: which process? (USAGE)
  next: add one of -p PID, -n NAME, -s SOCKET, --tree PID, --all" -- list
expect "two targets" 2 "" "suture: more than one of -p, -n, -s, --tree and --all (USAGE)
  next: see 'suture help list'" -- list -p 1 --all
expect "no pid" 2 "" "suture: 'x' is not a process id (USAGE)
  next: -n takes the name of a process" -- list -p x
expect "argument missing" 2 "" "suture: 'suture revert' needs more arguments (USAGE)
  next: suture revert NAME TARGET [--timeout TIME] [--max-pause TIME] [--at WHEN] [--strict]" \
	-- revert -p "$PID"
expect "argument too much" 2 "" "suture: 'b' is one argument too many (USAGE)
  next: see 'suture help apply'" -- apply a b -p 1
expect "a pid without -p" 2 "" "suture: '4120' is one argument too many (USAGE)
  next: did you mean '-p 4120'?" -- list 4120
expect "a name without -n" 2 "" "suture: 'arena-server' is one argument too many (USAGE)
  next: did you mean '-n arena-server'?" -- revert fix arena-server
expect "a file too much" 2 "" "suture: 'b.so' is one argument too many (USAGE)
  next: see 'suture help apply'" -- apply a.so b.so
expect "empty argument" 2 "" "suture: argument 1 is empty (USAGE)
  next: see 'suture help apply'" -- apply "" -p "$PID"
expect "usage as JSON" 2 \
	"{\"error\":{\"code\":\"USAGE\",\"message\":\"unknown option '--tiemout'\",\"next\":\"did you mean '--timeout'?\"}}" \
	"" -- apply --json --tiemout 5s
expect "version" 0 "suture 0.1.0" "" -- --version
expect "version as JSON" 0 '{"version":"0.1.0"}' "" -- --json --version

# ---- no process, no agent ------------------------------------------------------------------------
expect "no such process" 3 "" "suture: no process has pid 2147483647 (NO_PROCESS)
  next: 'suture ps' lists processes" -- list -p 2147483647
expect "no such name" 3 "" "suture: no process is named 'no-such-thing' (NO_PROCESS)
  next: 'suture ps' lists processes" -- list -n no-such-thing
expect "no agent" 3 "" "suture: no agent in bash (pid $$) (NO_AGENT)
  next: 'suture attach $$' puts one in" -- list -p $$
expect "no agent, apply" 3 "" "suture: no agent in bash (pid $$) (NO_AGENT)
  bash (pid $$) was not changed
  next: 'suture attach $$' puts one in" -- apply ok.so -p $$
expect "no socket" 3 "" "suture: no agent listens at $WORK/none.sock (NO_AGENT)" -- list -s "$WORK/none.sock"

# ---- outcomes ------------------------------------------------------------------------------------
expect "no file" 4 "" "suture: refused: none.so: No such file or directory (BAD_INPUT)
  fake_agent (pid @PID@) was not changed" -- apply none.so -p "$PID"
expect "not an ELF file" 4 "" "suture: refused: text.so: not an ELF file (BAD_PATCH_FILE)
  fake_agent (pid @PID@) was not changed
  next: a patch is what 'suture build' wrote" -- apply text.so -p "$PID"
expect "refused" 4 "" "suture: refused: struct player changes layout (LAYOUT_CHANGED)
  coin 0->4, x 4->0   player.h:3   used by on_move() at scene.c:88
  fake_agent (pid @PID@) was not changed
  next: keep the layout and add fields with suture_shadow_get(), or see suture-authoring(7)" \
	-- apply layout.so -p "$PID"
expect "busy" 5 "" "suture: busy: on_move() is in use (BUSY_STACK)
  thread room 1 (tid 4242) is in on_move
    #0 on_move+0x12
    #1 tick
  fake_agent (pid @PID@) was not changed
  next: try again, or give it more time with --timeout" -- apply busy.so -p "$PID"
expect "busy as JSON" 5 '{"error":{"code":"BUSY_STACK","message":"on_move() is in use","next":"try again, or give it more time with --timeout","blockers":[{"tid":4242,"thread":"room 1","function":"on_move","backtrace":["on_move+0x12","tick"]}]},"pid":@PID@}' \
	"" -- apply busy.so -p "$PID" --json
expect "signature" 7 "" "suture: not permitted: the patch is not signed (SIGNATURE)
  fake_agent (pid @PID@) was not changed" -- apply signature.so -p "$PID"
expect "control characters" 4 "" "suture: refused: ?[2Jcleared (BUILD_ID)
  fake_agent (pid @PID@) was not changed" -- apply evil.so -p "$PID"
expect "never applied" 4 "" "suture: refused: no patch 'nix' was ever applied (NOT_APPLIED)
  fake_agent (pid @PID@) was not changed
  next: 'suture list' names those that are" -- revert nix -p "$PID"
expect "check" 0 "ok: 1 function of fake_agent (pid @PID@) can be replaced, pause about 85 us" "" \
	-- check ok.so -s "$SOCKET"
expect "list, empty" 0 "no patches in fake_agent (pid @PID@)" "" -- list -p "$PID"
expect "apply" 0 "applied fix to fake_agent (pid @PID@): 3 functions
  paused 85 us (lazy, 12 threads, 1 attempt), prepared in 6.2 ms, 7.1 ms in all" "" -- apply ok.so -p "$PID"
expect "apply again" 0 "already applied fix to fake_agent (pid @PID@), nothing changed" "" -- load ok.so -p "$PID"
expect "progress" 0 "already applied fix to fake_agent (pid @PID@), nothing changed" \
	"suture: waiting for on_move()" -- apply -v slow.so -p "$PID"
expect "quiet" 0 "" "" -- apply -q ok.so -p "$PID"
expect "list" 0 "ORDER  PATCH  STATE    FUNCTIONS  CALLS  SCOPE  APPLIED
    1  fix    applied          2      -  all    2026-01-02T03:04:05Z" "" -- list -p "$PID"
expect "status" 0 "process   fake_agent (pid @PID@)
exe       /srv/arena
build-id  0123abcd
agent     suture 0.1.0, 1024 KiB
rungs     lazy, full
threads   12
patches   1 applied
pauses    2: median 80 us, p99 90 us, longest 91 us" "" -- status -s "$SOCKET"
expect "a tree" 4 "$(printf '%*s  NAME        RESULT\n%s  fake_agent  LAYOUT_CHANGED: struct player changes layout' \
	${#PID} PID "$PID")" "  next: fake_agent (pid $PID): keep it" -- apply layout.so --tree "$PID"
expect "a tree as JSON" 0 '{"processes":[{"name":"fix","rung":"lazy","threads":12,"attempts":1,"functions":3,"prepare_us":6200,"pause_us":85,"total_us":7100,"result":"reverted","changed":true,"pid":@PID@}]}' \
	"" -- unload fix --json --tree "$PID"

# Whoever reads no answer must know that there was one.
for asked in --version "list --json -s $SOCKET" "list -s $SOCKET" "completion bash"; do
	# shellcheck disable=SC2086
	SAID=$("$SUTURE" $asked 2>&1 >/dev/full)
	CODE=$?
	if [ "$CODE" = 1 ] && [ "$SAID" = "suture: error: the answer can't be written: No space left on device (IO)
  what was asked for was done" ]; then
		PASSED=$((PASSED + 1))
	else
		printf 'FAIL  %s to a full disk: exit %s, %s\n' "$asked" "$CODE" "$SAID"
		FAILED=$((FAILED + 1))
	fi
done

printf '%s passed, %s failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
