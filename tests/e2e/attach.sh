#!/usr/bin/env bash
# The agent is put into programs that nobody prepared: they notice nothing of it, in whatever wait
# they are, and can be patched afterwards. Who can't get one: attach_refusals.sh.
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
# Nobody meets it on its way out, and it comes back at once.
AGAIN=0
for ((i = 0; i < 20; i++)); do
	"$SUTURE" attach -q "$PID" && "$SUTURE" detach -q "$PID"
	"$SUTURE" list -q -p "$PID" 2>/dev/null
	[ $? -eq 3 ] && AGAIN=$((AGAIN + 1))
done
is "times in and out" 20 "$AGAIN"
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

printf -- '-- by several at once\n'
unprepared registers
ATTACHING=()
for i in 1 2 3 4; do
	timeout 200 "$SUTURE" attach "$PID" --timeout 100s --json >"$WORK/at-once.$i" 2>&1 </dev/null &
	ATTACHING+=($!)
done
CODES=
for i in "${ATTACHING[@]}"; do
	wait "$i"
	CODES+="$? "
done
is "all have what they asked for" "0 0 0 0 " "$CODES"
is "one of them did it" 1 "$(cat "$WORK"/at-once.* | jq -s 'map(select(.changed)) | length')"
is "threads" 2 "$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 | wc -l)"
says "all registers as they were" check 0
printf 'end\n' >&"$TO"
target_end

printf -- '-- while the agent is being loaded\n'
mkdir "$WORK/slow"
cat >"$WORK/slow/slow.c" <<'END'
#include "lines.h"

#include <string.h>
#include <unistd.h>

extern char *secure_getenv(const char *name);
static volatile int inside, released;

/* What the agent's constructor calls first, and returns from when it is told to. */
char *getenv(const char *name)
{
	inside |= strcmp(name, "SUTURE_DISABLE") == 0;
	while (inside && !released)
		usleep(1000);
	return secure_getenv(name);
}

int main(void)
{
	char line[64];

	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "go") == 0)
			released = 1;
		if (strcmp(line, "fork") == 0) {
			pid_t child = fork();

			while (!child)
				pause();
			lines_answer("%d", (int)child);
		} else {
			lines_answer("%d", inside);
		}
	}
	return 0;
}
END
cp "$TARGETS/lines.h" "$WORK/slow"
TARGETS=$WORK/slow small_project "$WORK/slow" target-slow -O2 -D_GNU_SOURCE -rdynamic -- slow.c
# shellcheck disable=SC2034  # target() reads it
ENVIRONMENT=(LD_PRELOAD=)
TARGET_BIN=$WORK/slow target slow
says "nobody loads it" inside 0
"$SUTURE" attach "$PID" --timeout 100s >"$WORK/first.out" 2>&1 </dev/null &
FIRST=$!
PIDS+=("$FIRST")
half_way() { ask inside && [ "$ANSWER" = 1 ]; }
until_true "a thread in the constructor" half_way
step "another one waits, and is told for whom" 5 '.error.code == "AGENT_BUSY" and (.error.message | startswith("another suture"))' \
	attach "$PID" --timeout 200ms
kill -KILL "$FIRST"
wait "$FIRST" 2>/dev/null
step "nobody starts what is not there yet" 5 '.error.code == "AGENT_BUSY" and (.error.message | test("not fully loaded"))' \
	attach "$PID" --timeout 200ms
ask fork
CHILD=$ANSWER
step "nor what never will be" 5 '.error.next | test("pid '"$CHILD"' was forked while")' attach "$CHILD" --timeout 200ms
check "the child lives" kill -KILL "$CHILD"
says "the constructor goes on" go 1
step "then it is there" 0 '.result == "attached"' attach "$PID"
step "it serves" 0 ".pid == $PID" status -p "$PID"
target_end
# shellcheck disable=SC2034
ENVIRONMENT=()

if [ "$(id -u)" -eq 0 ]; then
	printf -- '-- that gave up root\n'
	mkdir "$WORK/daemon"
	cat >"$WORK/daemon/drops.c" <<'END'
#include "lines.h"

#include <sys/prctl.h>
#include <unistd.h>

__attribute__((noinline)) int answer(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value * 3 + 1; /* not shorter than a jump: a pun's place may not be free */
}

int main(void)
{
	char line[64];

	if (setgid(65534) || setuid(65534))
		return 1;
	while (lines_next(line, sizeof(line)))
		lines_answer("%d %d", answer(1), prctl(PR_GET_DUMPABLE));
	return 0;
}
END
	cp "$TARGETS/lines.h" "$WORK/daemon"
	TARGETS=$WORK/daemon small_project "$WORK/daemon" target-drops -O2 -g -- drops.c
	sed 's/value \* 3 + 1/value * 3 + 98/' "$WORK/daemon/drops.c" >"$WORK/drops.c"
	diff -u --label a/drops.c --label b/drops.c "$WORK/daemon/drops.c" "$WORK/drops.c" >"$WORK/drops.diff"
	DATABASE=$WORK/daemon build_patch drops "$WORK/daemon" "$WORK/daemon/target-drops" "$WORK/drops.diff"
	# shellcheck disable=SC2034  # target() reads it
	ENVIRONMENT=(LD_PRELOAD=)
	TARGET_BIN=$WORK/daemon target drops
	says "it is not dumpable" ask "4 0"
	step "attach" 0 "$attached" attach --make-dumpable "$PID"
	says "it is" ask "4 1"
	step "apply" 0 '.changed' apply "$WORK/drops.so" -p "$PID"
	says "patched" ask "101 1"
	step "revert" 0 '.changed' revert drops -p "$PID"
	says "as it was" ask "4 1"
	step "detach" 0 '.changed' detach "$PID"
	not_dumpable() { ask ask && [ "$ANSWER" = "4 0" ]; }
	until_true "what was allowed to end" not_dumpable
	step "and not come back by itself" 7 '.error.message | test("is not dumpable")' attach "$PID"
	step "but if told so" 0 '.changed' attach --make-dumpable "$PID"
	says "it is" ask "4 1"
	target_end
	# shellcheck disable=SC2034
	ENVIRONMENT=()
	TARGET_BIN=$WORK/daemon target_with_agent drops
	says "one that had an agent before" ask "4 0"
	step "can't be stopped" 7 '.error.next | test("--make-dumpable")' apply "$WORK/drops.so" -p "$PID"
	step "made so" 0 '.changed' attach --make-dumpable "$PID"
	step "once" 0 '.changed | not' attach --make-dumpable "$PID"
	step "apply" 0 '.changed' apply "$WORK/drops.so" -p "$PID"
	says "patched" ask "101 1"
	target_end
fi

printf -- '-- that goes on to another wait while it is being stopped\n'
cat >"$WORK/moves.c" <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* Reads a byte, then waits for a lock that it will never get. */
int main(int argc, char **argv)
{
	int held = open(argv[argc - 1], O_RDWR | O_CREAT, 0600), wanted = open(argv[argc - 1], O_RDWR);
	char byte;

	return flock(held, LOCK_EX) || read(0, &byte, 1) != 1 || flock(wanted, LOCK_EX);
}
END
cat >"$WORK/pushes.c" <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Before the first thread is stopped: the byte that it waits for, and until it waits for the lock. */
static void push(long pid)
{
	int to = open(getenv("PUSH_TO"), O_WRONLY);
	char path[64], text[32] = "";

	if (write(to, "x", 1) != 1)
		abort();
	snprintf(path, sizeof(path), "/proc/%ld/syscall", pid);
	for (int i = 0; i < 60000 && atoi(text) != SYS_flock; i++) {
		int fd = open(path, O_RDONLY);

		if (read(fd, text, sizeof(text) - 1) <= 0)
			abort();
		close(fd);
		usleep(1000);
	}
}

long ptrace(enum __ptrace_request request, ...)
{
	static int pushed;
	va_list list;
	long pid, address, data;

	va_start(list, request);
	pid = va_arg(list, long);
	address = va_arg(list, long);
	data = va_arg(list, long);
	va_end(list);
	if (request == PTRACE_SEIZE && !pushed++)
		push(pid);
	return syscall(SYS_ptrace, request, pid, address, data);
}
END
mkfifo "$WORK/push"
exec {PUSH}<>"$WORK/push"
if "${CC:-cc}" -o "$WORK/moves" "$WORK/moves.c" && "${CC:-cc}" -shared -fPIC -o "$WORK/pushes.so" "$WORK/pushes.c"; then
	INPUT=$WORK/push in_background "$WORK/moves" "$WORK/lock"
	in_read() { [ "$(awk '{ print $1 }' "/proc/$PID/syscall")" = 0 ] && runs moves; }
	until_true "its read()" in_read
	PUSH_TO=$WORK/push LD_PRELOAD=$WORK/pushes.so timeout 100 "$SUTURE" attach "$PID" --timeout 500ms --json >"$OUT" 2>"$ERR"
	is "not borrowed: exit code" 5 $?
	is "and said so" "TIMEOUT 1" "$(j '.error.code + " " + (.error.message | test("waits for something plain") | if . then "1" else "0" end)')"
	in_flock() { [ "$(awk '{ print $1 }' "/proc/$PID/syscall")" = 73 ]; }
	check "it still waits for the lock" until_true "its flock()" in_flock
	stop_pid "$PID"
else
	fail "it can't be compiled"
fi
exec {PUSH}>&-

printf -- '-- whose errno is its own\n'
cat >"$WORK/errno.c" <<'END'
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
static volatile int allocated;

/* The memory of a new thread comes from here, on the thread that makes it. */
void *malloc(size_t size)
{
	allocated++;
	errno = ENOTTY;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocated++;
	errno = ENOTTY;
	return __libc_calloc(count, size);
}

int main(void)
{
	char byte;
	ssize_t got;

	allocated = 0;
	errno = EXDEV;
	got = read(0, &byte, 1);
	printf("%d %d %d\n", (int)got, errno == EXDEV, allocated > 0);
	return 0;
}
END
if "${CC:-cc}" -rdynamic -fno-builtin -o "$WORK/errnos" "$WORK/errno.c"; then
	mkfifo "$WORK/byte"
	exec {PUSH}<>"$WORK/byte"
	INPUT=$WORK/byte in_background "$WORK/errnos"
	in_read() { [ "$(awk '{ print $1 }' "/proc/$PID/syscall")" = 0 ] && runs errnos; }
	until_true "its read()" in_read
	step "attach" 0 "$attached" attach "$PID"
	printf x >&"$PUSH"
	wait "$PID"
	is "it ends well" 0 $?
	is "its errno, though its allocator changed it meanwhile" "1 1 1" "$(cat "$WORK/background.out")"
	exec {PUSH}>&-
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

totals
