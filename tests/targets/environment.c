/*
 * What the agent may change in a process that it lives in, and what it must leave alone.
 *
 *   value     → what the patched function returns
 *   preload   → LD_PRELOAD as a child sees it
 *   setuid    → what seteuid() to oneself says, on a process with the agent's thread
 *   threads   → threads of the process
 *   signals   → a blocked SIGUSR1 sent to the process while a thread waits for it: who got it
 *   fork      → pid of a child that stays until the next line, then its exit status
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lines.h"

static volatile int one = 1; /* no compiler makes a clone of value() for it */

__attribute__((noinline)) static int value(int number)
{
	volatile int kept = number;

	return kept + 1;
}

static int threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	int count = 0;

	for (struct dirent *entry; folder && (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	if (folder)
		closedir(folder);
	return count;
}

static void preload(void)
{
	char text[512];
	FILE *child = popen("printf '%s\\n' \"${LD_PRELOAD-none}\"", "r");

	if (!child || !fgets(text, sizeof(text), child))
		snprintf(text, sizeof(text), "?");
	if (child)
		pclose(child);
	text[strcspn(text, "\n")] = '\0';
	lines_answer("%s", text);
}

static void fork_child(void)
{
	char line[64];
	int hold[2], status = -1;
	pid_t child;

	if (pipe(hold) || (child = fork()) < 0) {
		lines_answer("?");
		return;
	}
	if (child == 0) {
		close(hold[1]);
		_exit(read(hold[0], line, 1) == 0 ? value(one) : 99);
	}
	close(hold[0]);
	lines_answer("%d", child);
	lines_next(line, sizeof(line));
	close(hold[1]);
	waitpid(child, &status, 0);
	lines_answer("%d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void *send_signal(void *arg)
{
	(void)arg;
	usleep(50000);
	kill(getpid(), SIGUSR1);
	return NULL;
}

static void signals(void)
{
	struct timespec patience = {.tv_sec = 60};
	pthread_t thread;
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pthread_create(&thread, NULL, send_signal, NULL)) {
		lines_answer("?");
		return;
	}
	got = sigtimedwait(&set, NULL, &patience);
	pthread_join(thread, NULL);
	lines_answer("%s", got == SIGUSR1 ? "the waiter" : strerror(errno));
}

int main(void)
{
	char line[64];

	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "value") == 0)
			lines_answer("%d", value(one));
		else if (strcmp(line, "preload") == 0)
			preload();
		else if (strcmp(line, "setuid") == 0)
			lines_answer("%d", seteuid(geteuid()));
		else if (strcmp(line, "threads") == 0)
			lines_answer("%d", threads());
		else if (strcmp(line, "signals") == 0)
			signals();
		else if (strcmp(line, "fork") == 0)
			fork_child();
		else
			lines_answer("?");
	}
	return 0;
}
