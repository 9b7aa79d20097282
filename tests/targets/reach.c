/*
 * Everything that a patch may want to reach in its target: functions and variables, static and
 * global, of this unit and another, static variables in functions, thread-local variables, libc's
 * functions and variables. The patch uses each as the old code does, so it must find the running
 * ones, with the values they have.
 *
 *   state    → all of it, as the patched function sees it
 *   fail     → what errno is after a call that fails
 *   thread   → the same as state, from a new thread, where thread-local variables start afresh
 */
#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#include "lines.h"

static int same_name = 100;
static __thread int per_thread = 7;
static const char *const words[] = {"zero", "one", "two", "three"};

static __attribute__((noinline)) int static_triple(int value)
{
	return value * 3;
}

__attribute__((noinline)) int next_ticket(void)
{
	static int tickets = 1;

	return tickets++;
}

__attribute__((noinline)) static char *describe(void)
{
	static int calls;
	char *text = malloc(256);

	if (!text)
		return NULL;
	calls++;
	same_name++;
	shared_count++;
	per_thread++;
	shared_per_thread++;
	shared_purse->coin--;
	snprintf(text, 256,
		 "old calls %d same %d/%s count %d tls %d/%d purse %d triple %d double %d %s",
		 calls, same_name, other_same_name(), shared_count, per_thread, shared_per_thread,
		 shared_purse->coin, static_triple(5), shared_double(next_ticket()), words[2]);
	return text;
}

__attribute__((noinline)) static int failing(void)
{
	errno = 0;
	if (open("/nonexistent/file", O_RDONLY) >= 0)
		return -1;
	return errno;
}

static void *describe_in_thread(void *arg)
{
	(void)arg;
	return describe();
}

int main(void)
{
	pthread_t thread;
	char line[64];
	void *text;

	while (lines_next(line, sizeof(line))) {
		text = NULL;
		if (strcmp(line, "state") == 0) {
			text = describe();
			lines_answer("%s", text ? (char *)text : "?");
		} else if (strcmp(line, "thread") == 0) {
			if (pthread_create(&thread, NULL, describe_in_thread, NULL))
				return 1;
			pthread_join(thread, &text);
			lines_answer("%s", text ? (char *)text : "?");
		} else if (strcmp(line, "fail") == 0) {
			lines_answer("%d", failing());
		} else {
			lines_answer("?");
		}
		free(text);
	}
	return 0;
}
