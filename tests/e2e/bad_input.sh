#!/usr/bin/env bash
# Whatever comes in (files that are no patches, damaged ones, patches for something else, garbage and
# silence on the socket), the answer is a clear refusal, nothing changes, and the server plays on.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need socat b2sum readelf nm dd

EXE=$TARGET_BIN/target-environment
build_target_patch environment environment || { totals; exit 1; }
PATCH=$WORK/environment.so
SIZE=$(stat -c %s "$PATCH")
build_target_patch busy busy
sed 's/kept + 50/kept + 90/' "$TARGETS/diffs/environment.diff" >"$WORK/other.diff"
build_patch other "$TARGETS" "$EXE" "$WORK/other.diff"
build_patch environment-again "$TARGETS" "$EXE" "$TARGETS/diffs/environment.diff" --name environment \
	--description "another file of the same name" -o "$WORK/environment-again.so"

target_with_agent environment
TEXT=$(text_hash "$PID" "$EXE")

# After each group: the server answers as before, and has not changed.
unharmed() {
	ask value
	if [ "$ANSWER $(text_hash "$PID" "$EXE")" != "2 $TEXT" ]; then
		fail "after $1: the server's answer is $ANSWER, or its code has changed"
	elif ! "$SUTURE" list -p "$PID" --json 2>/dev/null | jq -e '[.patches[] | select(.state == "applied")] == []' >/dev/null; then
		fail "after $1: list is not empty or not there"
	else
		pass "after $1: unharmed, and serves"
	fi
}
refused() {     # TEXT CODE FILE: apply and check, quietly when all is well
	local verb
	for verb in apply check; do
		suture "$verb" "$3" -p "$PID"
		if [ "$RC" -ne 4 ] || ! jq -e --arg code "$2" \
			'[.error.code, (.refusals // [])[].code] | any(. != null and test($code))' "$OUT" >/dev/null 2>&1; then
			fail "$1: $verb: exit $RC, $(head -c 300 "$OUT" "$ERR")"
			return 1
		fi
	done
}
# The digest of a file that was changed on purpose, made right again.
reseal() {
	local at
	at=$(readelf -SW "$PATCH" | awk '{ sub(/^ *\[ *[0-9]+\]/, "") } $1 == ".suture.header" { print $4 }')
	at=$((16#$at + 40))
	dd if=/dev/zero of="$1" bs=1 seek="$at" count=32 conv=notrunc status=none
	b2sum -l 256 <"$1" | cut -c1-64 | sed 's/../\\x&/g' | xargs -0 printf '%b' | head -c 32 |
		dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
put() {         # put FILE OFFSET BYTES (as \xNN)
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none 2>/dev/null
}

printf -- '-- no patches\n'
printf 'not an ELF file\n' >"$WORK/text"
: >"$WORK/empty"
head -c 100000 /dev/urandom >"$WORK/random"
for file in text empty random; do
	refused "$file" BAD_PATCH_FILE "$WORK/$file" && pass "$file: refused"
done
refused "an object that is no patch" BAD_PATCH_FILE "$SUTURE_AGENT" && pass "an object that is no patch: refused"
refused "a program" BAD_PATCH_FILE "$EXE" && pass "a program: refused"
suture apply "$WORK/nonexistent.so" -p "$PID"
matches "no such file: exit code" '[24]' "$RC"
suture apply "$WORK" -p "$PID"
matches "a folder: exit code" '[24]' "$RC"
unharmed "files that are no patches"

printf -- '-- damaged\n'
bad=0
for length in 0 1 4 15 16 63 64 65 100 120 $((SIZE / 8)) $((SIZE / 4)) $((SIZE / 2)) $((SIZE * 3 / 4)) \
	$((SIZE - 4096)) $((SIZE - 64)) $((SIZE - 8)) $((SIZE - 1)); do
	head -c "$length" "$PATCH" >"$WORK/short.so"
	refused "cut off at $length" BAD_PATCH_FILE "$WORK/short.so" || bad=1
done
[ "$bad" = 1 ] || pass "cut off at 18 lengths: refused"
unharmed "truncated patches"
bad=0
for ((i = 0; i < 60; i++)); do
	at=$((i * SIZE / 60))
	cp "$PATCH" "$WORK/flipped.so"
	byte=$(dd if="$PATCH" bs=1 skip="$at" count=1 status=none | od -An -tu1 | tr -d ' ')
	put "$WORK/flipped.so" "$at" "\\x$(printf %x $((byte ^ 0x41)))"
	refused "a byte changed at $at" 'BAD_PATCH_FILE|ARCHITECTURE' "$WORK/flipped.so" || bad=1
done
[ "$bad" = 1 ] || pass "one byte changed, at 60 places: refused"
cat "$PATCH" "$WORK/text" >"$WORK/longer.so"
refused "something behind it" BAD_PATCH_FILE "$WORK/longer.so" && pass "something behind it: refused"
unharmed "flipped bytes"

printf -- '-- made for something else\n'
cp "$PATCH" "$WORK/resealed.so"
reseal "$WORK/resealed.so"
check "sealing as the builder does" cmp -s "$PATCH" "$WORK/resealed.so"
cp "$PATCH" "$WORK/arm.so"
put "$WORK/arm.so" 18 '\xb7\x00'
refused "damaged, and for aarch64" 'BAD_PATCH_FILE|ARCHITECTURE' "$WORK/arm.so" && pass "aarch64 in a damaged file: refused"
reseal "$WORK/arm.so"
refused "for aarch64" ARCHITECTURE "$WORK/arm.so" && pass "for aarch64: refused"
cp "$PATCH" "$WORK/class.so"
put "$WORK/class.so" 4 '\x01'
reseal "$WORK/class.so"
refused "32 bits" 'BAD_PATCH_FILE|ARCHITECTURE' "$WORK/class.so" && pass "32 bits: refused"
refused "for another program" BUILD_ID "$WORK/busy.so" && pass "for another program: refused"
unharmed "patches for something else"

printf -- '-- bytes changed by others\n'
at=$((16#$(function_address "$PID" "$EXE" value)))
[ "$at" -gt 0 ] || die "where is value()?"
first=$(dd if="/proc/$PID/mem" iflag=skip_bytes,count_bytes skip="$at" count=1 status=none | od -An -tx1 | tr -d ' ')
if put "/proc/$PID/mem" "$at" '\xcc'; then
	refused "a breakpoint" FUNCTION_CHANGED "$PATCH" && pass "a breakpoint at its entry: refused"
	suture apply "$PATCH" -p "$PID"
	check "and called one" jq -e '.error | (.message + .next) | test("breakpoint|debugger"; "i")' "$OUT"
	put "/proc/$PID/mem" "$at" "\\x$first"
	second=$(dd if="/proc/$PID/mem" iflag=skip_bytes,count_bytes skip=$((at + 6)) count=1 status=none |
		od -An -tx1 | tr -d ' ')
	put "/proc/$PID/mem" $((at + 6)) '\x90'
	refused "another byte" FUNCTION_CHANGED "$PATCH" && pass "another byte inside: refused"
	put "/proc/$PID/mem" $((at + 6)) "\\x$second"
	unharmed "foreign bytes that went again"

	step "apply" 0 '.changed == true' apply "$PATCH" -p "$PID"
	jump=$(dd if="/proc/$PID/mem" iflag=skip_bytes,count_bytes skip=$((at + 1)) count=1 status=none |
		od -An -tu1 | tr -d ' ')
	put "/proc/$PID/mem" $((at + 1)) "\\x$(printf %x $((jump ^ 0x41)))"
	suture revert environment -p "$PID"
	matches "our jump was changed: revert's exit code" '[48]' "$RC"
	put "/proc/$PID/mem" $((at + 1)) "\\x$(printf %x "$jump")"
	says "patched as before" value 51
	step "revert when it is right again" 0 '.changed == true' revert environment -p "$PID"
	unharmed "a foreign change to our jump"
else
	printf 'note  /proc/PID/mem may not be written here: not tried\n'
fi

printf -- '-- requests that make no sense\n'
step "reverting what was never applied: 4" 4 '.error.code == "NOT_APPLIED"' revert nothing -p "$PID"
step "no such process: 3" 3 '.error.code == "NO_PROCESS"' status -p 4194304
step "a process without agent: 3" 3 '.error.code == "NO_AGENT"' apply "$PATCH" -p $$
step "no target: 2" 2 '.error.code == "USAGE"' apply "$PATCH"
step "no such verb: 2" 2 '.error' frobnicate
step "no such option: 2" 2 '.error' apply "$PATCH" -p "$PID" --frobnicate
step "a timeout that is none: 2" 2 '.error' apply "$PATCH" -p "$PID" --timeout soon
step "apply" 0 '.changed == true' apply "$PATCH" -p "$PID"
step "the same again: 0, unchanged" 0 '.result == "applied" and .changed == false' apply "$PATCH" -p "$PID"
step "another file of that name: 4" 4 '.error.code | test("NAME_TAKEN|DEPENDENCY|FUNCTION_CHANGED")' \
	apply "$WORK/environment-again.so" -p "$PID"
step "another patch of that function: 4" 4 '.error.code | test("DEPENDENCY|FUNCTION_CHANGED")' \
	apply "$WORK/other.so" -p "$PID"
says "still the first" value 51
step "revert" 0 '.changed == true' revert environment -p "$PID"
step "and again: 0, unchanged" 0 '.result == "reverted" and .changed == false' revert environment -p "$PID"
unharmed "requests that make no sense"

printf -- '-- garbage on the socket\n'
SOCKET=$(j .socket)
suture ps
SOCKET=$(jq -r ".processes[] | select(.pid == $PID) | .socket" "$OUT")
check "ps names the socket" test -S "$SOCKET"
# The server ends the connection when it has answered; socat waits for that.
to_socket() { timeout 120 socat -t 60 - "UNIX-CONNECT:$SOCKET" >"$WORK/socat.out" 2>/dev/null; }
head -c 300000 /dev/urandom | to_socket
tr '\0' x </dev/zero | head -c 20000000 | to_socket
head -c 100000 /dev/zero | to_socket
head -c 2000000 /dev/zero | tr '\0' '[' | to_socket
head -c 2000000 /dev/zero | tr '\0' '\n' | to_socket
printf '{"jsonrpc":"2.0","id":1,"method":"status"' | to_socket       # and no end of line
for request in '{' 'null' '[]' '{}' '"apply"' '{"jsonrpc":"2.0","id":1}' '{"jsonrpc":"2.0","method":7,"id":1}' \
	'{"jsonrpc":"2.0","id":1,"method":"apply"}' '{"jsonrpc":"2.0","id":1,"method":"apply","params":[1]}' \
	'{"jsonrpc":"2.0","id":1,"method":"revert","params":{"name":7}}' \
	'{"jsonrpc":"2.0","id":1,"method":"revert","params":{"name":"../../etc/passwd"}}' \
	'{"jsonrpc":"2.0","id":1,"method":"revert","params":{"name":"x","timeout_us":-1}}' \
	'{"jsonrpc":"2.0","id":1,"method":"revert","params":{"name":"x","timeout_us":1e99}}' \
	'{"jsonrpc":"2.0","id":{},"method":"status"}' '{"jsonrpc":"2.0","id":1,"method":"nosuch"}'; do
	printf '%s\n' "$request" | to_socket
	if [ ! -s "$WORK/socat.out" ]; then
		fail "no answer to $request"
	elif ! jq -e '.error' "$WORK/socat.out" >/dev/null 2>&1; then
		fail "not an error: $request: $(head -c 200 "$WORK/socat.out")"
	fi
done
unharmed "garbage on the socket"

printf -- '-- clients that say nothing, or do not listen\n'
for ((i = 0; i < 20; i++)); do
	socat -u "UNIX-CONNECT:$SOCKET" - >/dev/null 2>&1 &
	PIDS+=($!)
done
mkfifo "$WORK/half"
socat -u - "UNIX-CONNECT:$SOCKET" <"$WORK/half" >/dev/null 2>&1 &
PIDS+=($!)
exec {HALF}>"$WORK/half"
printf '{"jsonrpc":' >&"$HALF"
# asks ten thousand times and never reads an answer
yes '{"jsonrpc":"2.0","id":1,"method":"status"}' 2>/dev/null | head -n 10000 |
	timeout 60 socat -u - "UNIX-CONNECT:$SOCKET" >/dev/null 2>&1
sleep 1
step "the others are served" 0 ".pid == $PID" status -p "$PID"
step "apply among them" 0 '.changed == true' apply "$PATCH" -p "$PID"
step "revert among them" 0 '.changed == true' revert environment -p "$PID"
unharmed "silent clients"

printf -- '-- a process that stands still, and one that is gone\n'
kill -STOP "$PID"
suture status -p "$PID"
matches "stopped: exit code" '[15]' "$RC"
kill -CONT "$PID"
unharmed "a stop"
{
	kill -KILL "$PID"
	wait "$PID"
} 2>/dev/null
step "gone: 3" 3 '.error' status -p "$PID"
totals
