/*
 * A server with two threads that tick: each calls the patched function, then suture_safepoint(). It
 * is not linked to the agent.
 *
 *   value    what the patched function returns
 *   ticks    → how many there have been
 *   leave    the second one takes part no longer, and waits → left
 *   back     it ticks again                                 → back
 *   stall    the second one takes part, and does not come
 *   come     it does again
 *   fiber    says that there is one, whose stack is ours    → its result, or no agent
 *   counted  how often the command "count" has run
 *   hide     the process is not dumpable any more           → 0, or an errno
 *   trace    a child traces one of the ticking threads      → its pid
 *   deny     a seccomp filter refuses ptrace, for good      → 0, or an errno
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lines.h"

#include <suture/suture.h>

static atomic_long ticks;
static atomic_bool away; /* the second thread shall leave */
static atomic_bool left; /* it has */
static atomic_bool stalled; /* it shall not come */
static atomic_bool stalls;  /* nor does it */
static int counted;
static _Atomic pid_t first;

__attribute__((noinline)) int handle(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value + 1;
}

static void *tick(void *arg)
{
	volatile int sink = 0;

	if (!arg)
		first = (pid_t)syscall(SYS_gettid);
	for (;;) {
		sink = handle(sink);
		ticks++;
		while (arg && stalled) {
			stalls = true;
			usleep(1000);
		}
		suture_safepoint();
		if (arg && away) {
			suture_safepoint_leave();
			left = true;
			while (away)
				usleep(1000);
			left = false;
		}
		usleep(2000);
	}
	return NULL;
}

static int deny_ptrace(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	/* For all threads: the agent's are among them. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program))
		return errno;
	return 0;
}

/* Ends with us. The traced thread runs on as before. */
static pid_t trace_first(void)
{
	int ready[2];
	pid_t child;
	char byte;

	if (pipe(ready))
		return 0;
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_SEIZE, first, NULL, NULL) == 0 && write(ready[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		child = 0;
	close(ready[0]);
	return child;
}

static int count(struct suture_call *call, void *arg)
{
	(void)arg;
	counted++;
	suture_answer(call, "%d", counted);
	return 0;
}

/* Nothing is ever on that stack. */
static int add_fiber(void)
{
	static char stack[4096];
	static void *saved;
	struct suture_fiber fiber = {.stack = stack, .stack_size = sizeof(stack), .saved_sp = &saved};

	fiber.registers[0] = SUTURE_FIBER_RETURN;
	return suture_fiber_add(&fiber);
}

int main(void)
{
	pthread_t threads[2];
	char line[64];

	suture_command_register("count", count, NULL);
	for (size_t i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, tick, (void *)i))
			return 1;
	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "value") == 0) {
			lines_answer("%d", handle(1));
		} else if (strcmp(line, "ticks") == 0) {
			lines_answer("%ld", atomic_load(&ticks));
		} else if (strcmp(line, "leave") == 0) {
			away = true;
			while (!left)
				usleep(1000);
			lines_answer("left");
		} else if (strcmp(line, "back") == 0) {
			away = false;
			while (left)
				usleep(1000);
			lines_answer("back");
		} else if (strcmp(line, "stall") == 0) {
			stalls = false;
			stalled = true;
			while (!stalls)
				usleep(1000);
			lines_answer("stalled");
		} else if (strcmp(line, "come") == 0) {
			stalled = false;
			lines_answer("coming");
		} else if (strcmp(line, "fiber") == 0) {
			if (suture_fiber_add)
				lines_answer("%d", add_fiber());
			else
				lines_answer("no agent");
		} else if (strcmp(line, "counted") == 0) {
			lines_answer("%d", counted);
		} else if (strcmp(line, "hide") == 0) {
			lines_answer("%d", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? errno : 0);
		} else if (strcmp(line, "trace") == 0) {
			lines_answer("%d", (int)trace_first());
		} else if (strcmp(line, "deny") == 0) {
			lines_answer("%d", deny_ptrace());
		} else {
			lines_answer("?");
		}
	}
	return 0;
}
