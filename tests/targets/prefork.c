/*
 * A prefork server: a master and its workers, who were all forked from it. What a worker has to do
 * comes through a pipe of its own.
 *
 *   target-prefork WORKERS [USER]: the workers give up root for that user's id
 *
 *   values   value(2) of the master and of every worker, in one line
 *   pids     of the workers
 *   fork     one more worker
 *   stick [N]   worker N, else the last, stays inside value() until SIGUSR1
 *   further  the last worker but one forks a child, which lives as long as it does: its pid
 *   spawn    system(), popen(), posix_spawn() and vfork(): "0 out 0 0" when all went well
 */
#include "lines.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 16, FURTHER = -2 };

struct worker {
	pid_t pid;
	int to;
	int from;
};

static struct worker workers[MOST];
static int count;
static uid_t user;

static void awake(int signal)
{
	(void)signal;
}

__attribute__((noipa)) static int value(int n)
{
	if (n < 0)
		pause();
	return n + 1;
}

static int further(void)
{
	int lives[2];
	pid_t pid;
	char end;

	if (pipe(lives))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(lives[1]);
		_exit(read(lives[0], &end, 1) != 0);
	}
	close(lives[0]);
	return pid;
}

static _Noreturn void work(int from, int to)
{
	int n;

	while (read(from, &n, sizeof(n)) == sizeof(n)) {
		n = n == FURTHER ? further() : value(n);
		if (write(to, &n, sizeof(n)) != sizeof(n))
			break;
	}
	_exit(0);
}

static void add_worker(void)
{
	int to[2], from[2];
	pid_t pid;

	if (count == MOST || pipe(to) || pipe(from))
		exit(1);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < count; i++) {
			close(workers[i].to);
			close(workers[i].from);
		}
		close(to[1]);
		close(from[0]);
		if (user && (setgid(user) || setuid(user)))
			_exit(1);
		work(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	workers[count++] = (struct worker){pid, to[1], from[0]};
}

static int ask(const struct worker *worker, int n)
{
	if (write(worker->to, &n, sizeof(n)) != sizeof(n) ||
	    read(worker->from, &n, sizeof(n)) != sizeof(n))
		return -1;
	return n;
}

static void values(void)
{
	printf("%d", value(2));
	for (int i = 0; i < count; i++)
		printf(" %d", ask(&workers[i], 2));
	putchar('\n');
	fflush(stdout);
}

static void spawn(void)
{
	char *argv[] = {"true", NULL}, text[16] = "";
	FILE *out = popen("echo out", "r");
	int status = -1, by_system;
	pid_t pid;

	if (!out || fscanf(out, "%15s", text) != 1)
		text[0] = '\0';
	if (out)
		pclose(out);
	by_system = system("exit 0");
	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	printf("%d %s %d ", by_system, text, status);
	pid = vfork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
	lines_answer("%d", status);
}

int main(int argc, char **argv)
{
	char line[64];

	signal(SIGUSR1, awake);
	user = argc > 2 ? (uid_t)atoi(argv[2]) : 0;
	for (int i = argc > 1 ? atoi(argv[1]) : 3; i > 0; i--)
		add_worker();
	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "values") == 0) {
			values();
		} else if (strcmp(line, "spawn") == 0) {
			spawn();
		} else if (strncmp(line, "stick", 5) == 0) {
			int n = -1, which = line[5] ? atoi(line + 5) : count - 1;

			lines_answer("%zd", write(workers[which].to, &n, sizeof(n)));
		} else if (strcmp(line, "further") == 0) {
			lines_answer("%d", ask(&workers[count - 2], FURTHER));
		} else if (strcmp(line, "fork") == 0) {
			add_worker();
			lines_answer("%d", count);
		} else {
			for (int i = 0; i < count; i++)
				printf("%d ", (int)workers[i].pid);
			lines_answer("%d", count);
		}
	}
	for (int i = 0; i < count; i++) {
		close(workers[i].to);
		waitpid(workers[i].pid, NULL, 0);
	}
	return 0;
}
