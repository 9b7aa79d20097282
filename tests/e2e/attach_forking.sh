#!/usr/bin/env bash
# A server of one thread that clones itself for each connection, as vsftpd does, gets the agent meanwhile: a child that
# was born while the loader worked would hang in its first dlopen(), for ever; the C library's fork() is no help there.
# Each attach in a fresh process; then again, where the library is there already.
# shellcheck source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

mkdir "$WORK/forking"
cat >"$WORK/forking/forking.c" <<'END'
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_ONCE = 4, PATIENCE_S = 60 };

static volatile sig_atomic_t last;

static void end(int number)
{
	(void)number;
	last = 1;
}

/* As getpwnam() and kin do in a child, where the parent never did. */
static void child(void)
{
	alarm(PATIENCE_S);
	_exit(dlopen("libresolv.so.2", RTLD_NOW) ? 0 : 1);
}

int main(void)
{
	unsigned good = 0, bad = 0, out = 0;

	signal(SIGTERM, end);
	while (!last || out) {
		int status;

		while (!last && out < AT_ONCE) {
			pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

			if (pid == 0)
				child();
			out += pid > 0;
		}
		poll(NULL, 0, last ? 10 : 0);
		while (out && waitpid(-1, &status, WNOHANG) > 0) {
			out--;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
				good++;
			else
				bad++;
		}
	}
	printf("%u %s\n", good > 0, bad ? "hung" : "fine");
	return 0;
}
END
cc -O2 -g -D_GNU_SOURCE -o "$WORK/forking/forking" "$WORK/forking/forking.c" || die "it does not compile"

forks() { [ "$(cat "/proc/$PID/comm" 2>/dev/null)" = forking ] && pgrep -P "$PID" >/dev/null; }
for round in 1 2 3 4 5 6; do
	"$WORK/forking/forking" >"$WORK/said" &
	PID=$!
	PIDS+=("$PID")
	until_true "children" forks
	step "round $round: attach" 0 '.changed' attach "$PID"
	step "round $round: detach" 0 '.changed' detach "$PID"
	step "round $round: attach again" 0 '.changed' attach "$PID"
	kill "$PID"
	wait "$PID"
	is "round $round: its children" "1 fine" "$(cat "$WORK/said")"
done
totals
