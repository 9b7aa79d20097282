/*
 * Ends in the way that its argument names, so many milliseconds after SIGUSR1, while patches are put in and
 * taken out. Exit code 7, or something went wrong on the way.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) int leaves_value(int x)
{
	return 3 * x + 1;
}

static int right(void)
{
	int got = leaves_value(5);

	return got == 16 || got == 26;
}

static void *call_for_ever(void *arg)
{
	for (;;)
		if (!right())
			_exit(9);
	return arg;
}

static void at_end(void)
{
	for (int i = 0; i < 2000; i++)
		if (!right())
			_exit(9);
}

static void *sleep_for_ever(void *arg)
{
	pause();
	return arg;
}

/*
 * Becomes itself again, rounds times, with so many threads that an attempt takes its time. A child that it did
 * not start must not be known to it.
 */
static void become_again(char **argv, int rounds)
{
	pthread_attr_t small;
	pthread_t thread;
	char left[16];

	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		_exit(8);
	if (rounds == 0)
		return;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 1 << 16);
	for (int i = 0; i < 300; i++)
		pthread_create(&thread, &small, sleep_for_ever, NULL);
	usleep(30000 + (unsigned)(getpid() * 31 + rounds * 7919) % 20000);
	snprintf(left, sizeof(left), "%d", rounds - 1);
	execl("/proc/self/exe", argv[0], argv[1], argv[2], left, (char *)NULL);
	_exit(6);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "return";
	pthread_t thread;
	sigset_t start;
	int signal;

	sigemptyset(&start);
	sigaddset(&start, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &start, NULL);
	if (pthread_create(&thread, NULL, call_for_ever, NULL))
		return 1;
	if (strcmp(how, "again") == 0)
		become_again(argv, argc > 3 ? atoi(argv[3]) : 0);
	puts("ready"); /* the signal does no harm any more */
	fflush(stdout);
	atexit(at_end);
	at_quick_exit(at_end);
	sigwait(&start, &signal);
	usleep(argc > 2 ? (unsigned)atoi(argv[2]) * 1000 : 1000);
	if (strcmp(how, "exit") == 0)
		exit(7);
	if (strcmp(how, "quick_exit") == 0)
		quick_exit(7);
	if (strcmp(how, "_exit") == 0)
		_exit(7);
	if (strcmp(how, "exec") == 0)
		execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
	return 7;
}
