/*
 * Ends in the way that its argument names, so many milliseconds after SIGUSR1, while patches are put in and
 * taken out. Exit code 7, or something went wrong on the way.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
