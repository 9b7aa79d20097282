#!/usr/bin/env bash
# The agent is put into programs that nobody prepared: they notice nothing of it, in whatever wait
# they are, and can be patched afterwards. Who can't get one is told why, and left alone.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need python3

# unprepared MODE: the target in that mode, driven by lines as target() does, but without an agent
unprepared() {
	rm -f "$WORK/to" "$WORK/from"
	mkfifo "$WORK/to" "$WORK/from" || die "no pipe"
	"$TARGET_BIN/target-attachee" "$@" <"$WORK/to" >"$WORK/from" 2>"$WORK/attachee.err" &
	PID=$!
	PIDS+=("$PID")
	exec {TO}>"$WORK/to" {FROM}<"$WORK/from"
	ask check
}
# in_background COMMAND…: sets PID
in_background() {
	"$@" <"${INPUT:-/dev/null}" >"$WORK/background.out" 2>&1 &
	PID=$!
	PIDS+=("$PID")
}
runs() {        # COMM: the program has replaced the shell that started it
	[ "$(cat "/proc/$PID/comm" 2>/dev/null)" = "$1" ]
}
is_python() {   # and no wrapper around it
	local exe
	exe=$(readlink "/proc/$PID/exe")
	[[ ${exe##*/} == python* ]] && grep -q '/libc.so.6' "/proc/$PID/maps"
}
sleeps() { [ "$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$PID/status")" = S ]; }
attached='.result == "attached" and .changed and .tries >= 1 and .borrowed_us > 0 and .total_us > 0'

printf -- '-- as it waits\n'
unprepared registers
DESCRIPTORS=$(find "/proc/$PID/fd" -mindepth 1 | wc -l)
step "in read()" 0 "$attached and .pid == $PID" attach "$PID"
says "all registers as they were" check 0
step "it serves" 0 ".pid == $PID and .threads == 2" status -p "$PID"
step "attaching again: nothing to do" 0 '.result == "attached" and (.changed | not)' attach "$PID"
is "threads" 2 "$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 | wc -l)"
is "descriptors besides the agent's" "$DESCRIPTORS" "$(find "/proc/$PID/fd" -mindepth 1 -not -lname 'socket:*' \
	-not -lname 'anon_inode:*' -not -lname '/proc/*/mem' | wc -l)"
anonymous_code() { awk '$2 ~ /x/ && $6 == ""' "/proc/$PID/maps" | wc -l; }
mapping_gone() { [ "$(anonymous_code)" = 0 ]; }
until_true "the borrowed mapping's end" mapping_gone
is "code that belongs to no file" 0 "$(anonymous_code)"

printf -- '-- patched, let go, taken again\n'
build_target_patch attachee attachee
step "apply" 0 '.changed' apply "$WORK/attachee.so" -p "$PID"
says "patched" call 700
step "detach" 0 '.result == "detached" and .changed' detach "$PID"
says "still patched" call 700
step "no agent any more" 3 '.error.code == "NO_AGENT"' list -p "$PID"
one_thread() { [ "$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]; }
until_true "the end of its threads" one_thread
is "threads" 1 "$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 | wc -l)"
step "attach" 0 "$attached" attach "$PID"
step "it knows its patches" 0 '[.patches[] | select(.state == "applied") | .name] == ["attachee"]' list -p "$PID"
step "revert" 0 '.changed' revert attachee -p "$PID"
says "as it was" call 22
says "no complaints" check 0
printf 'end\n' >&"$TO"
target_end

printf -- '-- when suture is killed while the thread is away\n'
unprepared registers
cat >"$WORK/killed.c" <<'END'
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The mask is set a second time right before the thread runs, and it is stopped when it is through. */
long ptrace(enum __ptrace_request request, ...)
{
	static int masks;
	va_list list;
	long pid, address, data;

	va_start(list, request);
	pid = va_arg(list, long);
	address = va_arg(list, long);
	data = va_arg(list, long);
	va_end(list);
	masks += request == PTRACE_SETSIGMASK;
	if (masks == 2 && request == PTRACE_INTERRUPT)
		kill(getpid(), SIGKILL);
	return syscall(SYS_ptrace, request, pid, address, data);
}
END
if "${CC:-cc}" -shared -fPIC -o "$WORK/killed.so" "$WORK/killed.c"; then
	(LD_PRELOAD=$WORK/killed.so exec "$SUTURE" attach "$PID" >/dev/null 2>&1)
	is "killed" 137 $?
	says "it came back by itself, as it was" check 0
	says "and works" call 22
	step "its agent serves" 0 ".pid == $PID" status -p "$PID"
	step "nothing left to attach" 0 '.changed | not' attach "$PID"
	says "no complaints" check 0
	printf 'end\n' >&"$TO"
	target_end
else
	fail "it can't be compiled"
fi

printf -- '-- among threads in all kinds of waits\n'
unprepared waits
step "attach" 0 "$attached" attach "$PID"
sleep 0.2
says "nobody was woken" check 0
target_end

printf -- '-- that computes and never sleeps\n'
in_background "$TARGET_BIN/target-attachee" spin
until_true "the program" runs target-attachee
step "attach" 0 "$attached" attach "$PID"
step "it serves" 0 ".pid == $PID" status -p "$PID"

printf -- '-- python3, asleep and busy\n'
for code in 'import time; time.sleep(600)' $'x = 1\nwhile True: x = x * 3 % 1000003' \
	$'x = []\nwhile True: x = [str(len(x))] + x[:99]'; do
	in_background python3 -c "$code"
	until_true "python3" is_python
	step "attach" 0 "$attached" attach "$PID"
	step "it serves" 0 ".pid == $PID" status -p "$PID"
	check "it lives" alive "$PID"
	stop_pid "$PID"
done

if command -v sqlite3 >/dev/null 2>&1; then
	printf -- '-- sqlite3 at its prompt\n'
	mkfifo "$WORK/sql"
	INPUT=$WORK/sql
	in_background sqlite3 -batch
	exec {SQL}>"$WORK/sql"
	INPUT=
	until_true "sqlite3" runs sqlite3
	until_true "its prompt" sleeps
	step "attach" 0 "$attached" attach "$PID"
	printf 'select 6*7;\n' >&"$SQL"
	exec {SQL}>&-
	wait "$PID"
	is "it ends well" 0 $?
	is "it works" 42 "$(cat "$WORK/background.out")"
fi

printf -- '-- refusals\n'
step "no such process" 3 '.error.code == "NO_PROCESS"' attach 2147483647
step "not a pid" 2 '.error.code == "USAGE"' attach one
in_background sleep 600
until_true "sleep" runs sleep
kill -STOP "$PID"
stopped() { grep -q '^State:[[:space:]]*T' "/proc/$PID/status"; }
until_true "its stop" stopped
step "stopped" 4 '.error.message | contains("stopped")' attach "$PID"
kill -CONT "$PID"
in_background env SUTURE_DISABLE=1 sleep 600
until_true "sleep" runs sleep
step "SUTURE_DISABLE" 4 '.error.message | contains("SUTURE_DISABLE")' attach "$PID"
check "it lives" alive "$PID"
printf 'int pause(void); int main(void) { for (;;) pause(); }\n' >"$WORK/waits.c"
if "${CC:-cc}" -static -o "$WORK/static" "$WORK/waits.c" 2>/dev/null; then
	in_background "$WORK/static"
	until_true "the program" runs static
	step "static" 4 '.error.code == "UNSUPPORTED" and (.error.message | contains("statically"))' attach "$PID"
	check "it lives" alive "$PID"
fi
# A 64-bit program with another loader's name in it looks like one of musl.
if "${CC:-cc}" -nostartfiles -nostdlib -ffreestanding -x c -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 -pie \
	-o "$WORK/other" - 2>/dev/null <<<'void _start(void) { for (;;) ; }'; then
	cp "$(readlink -f /lib64/ld-linux-x86-64.so.2)" "$WORK/ld-musl-x86_64.so.1"
	"${CC:-cc}" -Wl,--dynamic-linker="$WORK/ld-musl-x86_64.so.1" -o "$WORK/other" "$WORK/waits.c"
	in_background "$WORK/other"
	until_true "the program" runs other
	step "another C library" 4 '.error.message | contains("another C library")' attach "$PID"
fi
# int 0x80, pause()
if command -v as >/dev/null && printf '.globl _start\n_start: mov $29, %%eax\n int $0x80\n jmp _start\n' >"$WORK/p32.s" &&
	as --32 -o "$WORK/p32.o" "$WORK/p32.s" && ld -m elf_i386 -o "$WORK/narrow" "$WORK/p32.o"; then
	in_background "$WORK/narrow"
	if until_true "the program" runs narrow; then
		step "a 32-bit program" 4 '.error.code == "ARCHITECTURE"' attach "$PID"
		check "it lives" alive "$PID"
	fi
fi
KERNEL=$(pgrep -x kthreadd)
if [ -n "$KERNEL" ]; then
	step "a thread of the kernel" 4 '.error.message | contains("thread of the kernel")' attach "$KERNEL"
fi
# Nobody asks for its end: what its parent has become does not know of it.
bash -c 'sleep 0.3 & echo $!; exec sleep 600' >"$WORK/zombie" &
PID=$!
PIDS+=("$PID")
ended() { [ -s "$WORK/zombie" ] && grep -q '^State:[[:space:]]*Z' "/proc/$(cat "$WORK/zombie")/status"; }
until_true "a zombie" ended
step "a zombie" 3 '.error.code == "NO_PROCESS"' attach "$(cat "$WORK/zombie")"
step "a folder" 2 '.error.code == "USAGE"' attach /tmp
for mode in handler locked; do
	in_background "$TARGET_BIN/target-attachee" "$mode"
	until_true "the program" runs target-attachee
	until_true "its wait" sleeps
	step "$mode" 5 '.error.code == "TIMEOUT"' attach "$PID" --timeout 500ms
	check "it lives" alive "$PID"
done
in_background python3 -c '
import ctypes, time
libc = ctypes.CDLL(None)
# PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP: kills at mprotect()
class F(ctypes.Structure): _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class P(ctypes.Structure): _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(F))]
f = (F * 4)(F(0x20, 0, 0, 0), F(0x15, 0, 1, 10), F(6, 0, 0, 0x80000000), F(6, 0, 0, 0x7fff0000))
p = P(4, f)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(p)) == 0
libc.pause()
'
in_filter() { grep -q '^Seccomp:[[:space:]]*2' "/proc/$PID/status" && [ "$(cut -d' ' -f1 "/proc/$PID/syscall")" = 34 ]; }
until_true "its filter" in_filter
step "a filter that would kill" 4 '.error.code == "UNSUPPORTED" and (.error.message | contains("seccomp"))' attach "$PID"
check "it lives" alive "$PID"
if command -v strace >/dev/null 2>&1; then
	in_background strace -qq -o /dev/null sleep 600
	traced() {
		PID=$(pgrep -P "${PIDS[-1]}" -x sleep)
		[ -n "$PID" ] && ! grep -q '^TracerPid:[[:space:]]*0' "/proc/$PID/status"
	}
	until_true "its tracer" traced
	step "traced" 4 '.error.message | contains("traced by pid")' attach "$PID"
	check "it lives" alive "$PID"
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null 2>&1; then
	in_background sleep 600
	until_true "sleep" runs sleep
	chmod 755 "$WORK"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$SUTURE" attach "$PID" --json >"$OUT" 2>"$ERR"
	is "another user's: exit" 7 $?
	is "another user's" PERMISSION "$(j .error.code)"
fi
totals
