#!/usr/bin/env bash
# Programs that can't get an agent, or must not: each is refused in words that say what and what to do, with the
# exit code that docs/PROTOCOL.md has for it, and goes on as if nobody had asked.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
need python3

# in_background COMMAND…: sets PID
in_background() {
	"$@" </dev/null >"$WORK/background.out" 2>&1 &
	PID=$!
	PIDS+=("$PID")
}
state_of() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null; }
runs() { [ "$(cat "/proc/$PID/comm" 2>/dev/null)" = "$1" ]; } # the shell has become it
sleeps() { runs "$1" && [ "$(state_of "$PID")" = S ]; }
is_in() { [ "$(cut -d' ' -f1 "/proc/$PID/syscall" 2>/dev/null)" = "$1" ]; }    # the system call
begin() {       # NAME COMMAND…: until it sleeps
	local name=$1
	shift
	in_background "$@"
	until_true "$name" sleeps "$name"
}
spin() {        # NAME COMMAND…: the same for one that never does
	local name=$1
	shift
	in_background "$@"
	until_true "$name" runs "$name"
}
# refuses TEXT EXIT CODE MESSAGE NEXT OPERAND…: exactly this is said, and a process stays as it is
refuses() {
	local text=$1 exit_code=$2 code=$3 message=$4 next=$5 before
	shift 5
	before=$(find /proc/"$PID"/{task,fd,map_files} -mindepth 1 -maxdepth 1 2>/dev/null | sort | sha256sum)
	suture attach "$@"
	is "$text: exit" "$exit_code" "$RC"
	is "$text: code" "$code" "$(j .error.code)"
	is "$text: message" "$message" "$(j .error.message)"
	is "$text: next" "$next" "$(j .error.next)"
	is "$text: threads, descriptors, mappings" "$before" \
		"$(find /proc/"$PID"/{task,fd,map_files} -mindepth 1 -maxdepth 1 2>/dev/null | sort | sha256sum)"
}
compiled() {    # NAME FLAG…: from $WORK/NAME.c
	local name=$1
	shift
	"${CC:-cc}" "$@" -o "$WORK/$name" "$WORK/$name.c" 2>"$WORK/cc.err" && return 0
	printf 'note  not tried, it can not be compiled here: %s (%s)\n' "$name" "$*"
	return 1
}

printf -- '-- no process\n'
begin sleep sleep 600
refuses "no such process" 3 NO_PROCESS "no process has pid 2147483647" "'suture ps' lists processes" 2147483647
refuses "not a pid" 2 USAGE "'one' is not a process id" "-n takes the name of a process" one
refuses "a folder" 2 USAGE "'/tmp' is not a process id" "-n takes the name of a process" /tmp
# Nobody asks for its end: what its parent has become does not know of it.
bash -c 'sleep 0.3 & echo $!; exec sleep 600' >"$WORK/zombie" &
PIDS+=("$!")
ended() { [ -s "$WORK/zombie" ] && [ "$(state_of "$(cat "$WORK/zombie")")" = Z ]; }
until_true "a zombie" ended
PID=$(cat "$WORK/zombie")
refuses "a zombie" 3 NO_PROCESS "no process has pid $PID" "'suture ps' lists processes" "$PID"
PID=$(pgrep -x kthreadd)
if [ -n "$PID" ]; then
	refuses "a thread of the kernel" 4 UNSUPPORTED "pid $PID is a thread of the kernel" "" "$PID"
fi

printf -- '-- that gave up root\n'
if [ "$(id -u)" -eq 0 ]; then
	printf '#include <unistd.h>\nint main(void) { if (setgid(65534) || setuid(65534)) return 1; for (;;) pause(); }\n' >"$WORK/drops.c"
	if compiled drops; then
		begin drops "$WORK/drops"
		refuses "not dumpable" 7 PERMISSION "drops (pid $PID) is not dumpable: it gave up privileges, or asked for that" \
			"suture attach --make-dumpable $PID (from then on other processes of its user 65534 may trace it), or have it started as that user" "$PID"
	fi
else
	printf 'note  not tried: only root can give up root\n'
fi

printf -- '-- that may start no thread\n'
# As haproxy's workers; whoever is root is not bound by it.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	begin sleep setpriv --reuid 65533 --regid 65533 --clear-groups prlimit --nproc=0 sleep 600
	suture attach "$PID"
	is "no thread: exit" 4 "$RC"
	matches "no thread: message" "it can't start a thread: *" "$(j .error.message)"
	is "no thread: next" "its limit of processes and threads is 0 (RLIMIT_NPROC): prlimit --pid $PID --nproc=N raises that, N above what its user has" "$(j .error.next)"
else
	printf 'note  not tried: only root can become somebody else\n'
fi

printf -- '-- programs of another kind\n'
printf 'int pause(void); int main(void) { for (;;) pause(); }\n' | tee "$WORK/static.c" "$WORK/musl.c" "$WORK/musl-static.c" >"$WORK/loader.c"
if compiled static -static; then
	begin static "$WORK/static"
	refuses "static" 4 UNSUPPORTED "static is statically linked" "link it dynamically" "$PID"
fi
if command -v musl-gcc >/dev/null 2>&1; then
	CC=musl-gcc compiled musl
	begin musl "$WORK/musl"
	refuses "musl" 4 UNSUPPORTED "musl uses another C library than glibc" "musl and others can't get an agent" "$PID"
	CC=musl-gcc compiled musl-static -static
	begin musl-static "$WORK/musl-static"
	refuses "musl, static" 4 UNSUPPORTED "musl-static is statically linked" "link it dynamically" "$PID"
else
	printf 'note  no musl-gcc here: only a program that looks like one of musl\n'
fi
# A 64-bit program with another loader's name in it.
cp "$(readlink -f /lib64/ld-linux-x86-64.so.2)" "$WORK/ld-musl-x86_64.so.1"
if compiled loader -Wl,--dynamic-linker="$WORK/ld-musl-x86_64.so.1"; then
	begin loader "$WORK/loader"
	refuses "another loader" 4 UNSUPPORTED "loader uses another C library than glibc" "musl and others can't get an agent" "$PID"
fi
# int 0x80, pause()
printf '.globl _start\n_start: mov $29, %%eax\n int $0x80\n jmp _start\n' >"$WORK/p32.s"
if as --32 -o "$WORK/p32.o" "$WORK/p32.s" && ld -m elf_i386 -o "$WORK/narrow" "$WORK/p32.o"; then
	in_background "$WORK/narrow"
	if until_true "the program" runs narrow; then
		refuses "32 bits" 4 ARCHITECTURE "narrow is not a program for x86_64" "32-bit and other programs can't get an agent" "$PID"
	fi
fi

printf -- '-- in a state that forbids it\n'
begin sleep sleep 600
kill -STOP "$PID"
stopped() { [ "$(state_of "$PID")" = T ]; }
until_true "its stop" stopped
refuses "stopped" 4 UNSUPPORTED "sleep (pid $PID) is stopped" "let it go on (kill -CONT $PID)" "$PID"
kill -CONT "$PID"
begin sleep env SUTURE_DISABLE=1 sleep 600
refuses "SUTURE_DISABLE" 4 UNSUPPORTED "sleep (pid $PID) was started with SUTURE_DISABLE=1" "start it without, to allow an agent in it" "$PID"
begin sleep env SUTURE_DISABLE=0 sleep 600
step "SUTURE_DISABLE=0 is no refusal" 0 '.changed' attach "$PID"
if command -v strace >/dev/null 2>&1; then
	in_background strace -qq -o /dev/null sleep 600
	TRACER=$PID
	traced() {
		PID=$(pgrep -P "$TRACER" -x sleep)
		[ -n "$PID" ] && grep -q "^TracerPid:[[:space:]]*$TRACER\$" "/proc/$PID/status"
	}
	until_true "its tracer" traced
	refuses "traced" 4 UNSUPPORTED "sleep (pid $PID) is traced by pid $TRACER" "end that debugger, then try again" "$PID"
fi
cat >"$WORK/vforks.c" <<'END'
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	pid_t pid = vfork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	return waitpid(pid, 0, 0) != pid;
}
END
if compiled vforks; then
	in_background "$WORK/vforks"
	PARENT=$PID
	has_child() { PID=$(pgrep -P "$PARENT") && sleeps vforks; }
	until_true "its child" has_child
	refuses "a child between vfork() and exec" 4 UNSUPPORTED "vforks (pid $PID) shares its memory with its parent" "attach to pid $PARENT" "$PID"
	kill "$PID"
fi

printf -- '-- no thread that could be borrowed\n'
unborrowed() {  # TEXT WHY [NEXT]
	refuses "$1" 5 TIMEOUT "no thread could be borrowed: $2" "${3:-try again, or start it with LD_PRELOAD=libsuture.so}" "$PID" --timeout 500ms
}
HOLDS="every thread is inside the allocator, the loader or a lock"
begin target-attachee "$TARGET_BIN/target-attachee" handler
unborrowed "handler" "all are in a signal handler" \
	"try again; a process that was forked inside a handler never leaves it, and can't get an agent"
begin target-attachee "$TARGET_BIN/target-attachee" locked
unborrowed "locked" "$HOLDS"
cat >"$WORK/sleepy.c" <<'END'
#include <stddef.h>
#include <unistd.h>
void *__libc_malloc(size_t size);
void *malloc(size_t size)
{
	while (size == 424242)
		pause();
	return __libc_malloc(size);
}
END
cat >"$WORK/sleepyhead.c" <<'END'
#include <unistd.h>
__attribute__((constructor)) static void begin(void)
{
	for (;;)
		pause();
}
END
cat >"$WORK/sleeper.c" <<'END'
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char full[65536];
	int ends[2];

	for (long got; strcmp(argv[1], "by-itself") == 0;)
		__asm__ volatile("syscall" : "=a"(got) : "a"(34) : "rcx", "r11", "memory"); /* pause */
	if (strcmp(argv[1], "allocates") == 0)
		return malloc(424242) == 0;
	if (strcmp(argv[1], "loads") == 0)
		return dlopen(argv[argc - 1], RTLD_NOW) == 0;
	memset(full, 0, sizeof(full));
	return pipe(ends) || write(ends[1], full, sizeof(full)) < 0 || write(ends[1], full, 1) < 0;
}
END
if compiled sleepy -shared -fPIC && compiled sleepyhead -shared -fPIC && compiled sleeper -O2; then
	begin sleeper env LD_PRELOAD="$WORK/sleepy" "$WORK/sleeper" allocates
	unborrowed "in an allocator that is not libc's" "$HOLDS"
	begin sleeper "$WORK/sleeper" loads "$WORK/sleepyhead"
	unborrowed "in a constructor, under the loader's lock" "$HOLDS"
	begin sleeper "$WORK/sleeper" by-itself
	unborrowed "in a wait that is not the C library's: a lock, for all we know" "every thread's stack has frames without unwind information"
	begin sleeper "$WORK/sleeper" writes
	unborrowed "in a system call that is no plain wait" "no thread waits for something plain"
fi

printf -- '-- seccomp\n'
next="start it with LD_PRELOAD=libsuture.so, which begins before the filter, or permit that call"
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
in_filter() { grep -q '^Seccomp:[[:space:]]*2' "/proc/$PID/status" && is_in 34; }
until_true "its filter" in_filter
if [ "$(id -u)" = 0 ]; then
	refuses "a filter that would kill" 4 UNSUPPORTED "its seccomp filter forbids mprotect" "$next" "$PID"
fi
cat >"$WORK/strict.c" <<'END'
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(void)
{
	char c;
	int ends[2];
	if (pipe(ends) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		return 1;
	return read(ends[0], &c, 1) != 1;
}
END
if compiled strict; then
	in_background "$WORK/strict"
	in_strict() { grep -q '^Seccomp:[[:space:]]*1' "/proc/$PID/status" && is_in 0; }
	until_true "its strict mode" in_strict
	refuses "strict mode" 4 UNSUPPORTED "it is in strict seccomp mode" "" "$PID"
fi

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null 2>&1; then
	printf -- '-- another user\n'
	begin sleep sleep 600
	chmod 755 "$WORK"
	# The one that suture() calls.
	REAL=$SUTURE
	printf '#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups "%s" "$@"\n' "$REAL" >"$WORK/as-nobody"
	chmod 755 "$WORK/as-nobody"
	SUTURE=$WORK/as-nobody
	refuses "another user's" 7 PERMISSION "sleep (pid $PID) belongs to user 0" "run suture as that user or as root" "$PID"
	SLEEPER=$PID
	if [ -x "$WORK/drops" ]; then
		begin drops "$WORK/drops"
		refuses "its own, not dumpable" 7 PERMISSION "drops (pid $PID) is not dumpable: it gave up privileges, or asked for that" \
			"run suture as root" "$PID"
	fi
	SUTURE=$REAL
	check "root may" "$SUTURE" attach "$SLEEPER"
fi
totals
