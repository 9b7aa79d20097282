/*
 * What happens to a patch at a start, and what a crash does to it.
 *
 *   first    what value() returned as main()'s first act, and in a constructor before it
 *   value    what it returns now; other: the same for other()
 *   fault abort trap   ends in that way
 *   child    a child of fork() faults: its signal
 *   clone    a child that neither libc nor the agent was told of, which stays: its pid
 *   daemon   goes on in a child of a child, and the first process ends: the new pid
 *   held     what held() returns, in which a thread stands since a constructor where STARTUP_HELD
 *            is set; leave: it goes
 */
#include "lines.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int one = 1;
static volatile int *volatile nowhere;
static int in_constructor;
static sem_t enter, leave;
static pthread_t stander;

__attribute__((noipa)) static int value(void)
{
	return one + 1;
}

__attribute__((noipa)) static int other(void)
{
	return one + 10;
}

__attribute__((noipa)) static int held(int stand)
{
	if (stand) {
		sem_post(&enter);
		sem_wait(&leave);
	}
	return one + 20;
}

static void *stand(void *arg)
{
	held(1);
	return arg;
}

__attribute__((constructor)) static void construct(void)
{
	in_constructor = value();
	if (!getenv("STARTUP_HELD"))
		return;
	pthread_create(&stander, NULL, stand, NULL);
	sem_wait(&enter);
}

static void child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		*nowhere = 1;
	waitpid(pid, &status, 0);
	lines_answer("%d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void clone_child(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	while (pid == 0)
		pause();
	lines_answer("%ld", pid);
}

static void go_to_background(void)
{
	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
	lines_answer("%d", (int)getpid());
}

int main(void)
{
	int first = value();
	char line[64];

	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "first") == 0)
			lines_answer("%d %d", first, in_constructor);
		else if (strcmp(line, "value") == 0)
			lines_answer("%d", value());
		else if (strcmp(line, "other") == 0)
			lines_answer("%d", other());
		else if (strcmp(line, "held") == 0)
			lines_answer("%d", held(0));
		else if (strcmp(line, "leave") == 0)
			lines_answer("%d", sem_post(&leave) || pthread_join(stander, NULL));
		else if (strcmp(line, "fault") == 0)
			*nowhere = 1;
		else if (strcmp(line, "abort") == 0)
			abort();
		else if (strcmp(line, "trap") == 0)
			__builtin_trap();
		else if (strcmp(line, "child") == 0)
			child();
		else if (strcmp(line, "clone") == 0)
			clone_child();
		else if (strcmp(line, "daemon") == 0)
			go_to_background();
		else
			lines_answer("?");
	}
	return 0;
}
