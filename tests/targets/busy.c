/*
 * A thread that sits inside the function that a patch replaces, for as long as the test wants.
 *
 *   enter    the thread "sitter" goes in     → in
 *   leave    and comes out again             → what it returned
 *   value    calls it without staying        → what it returned
 */
#include <pthread.h>

#include "lines.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool wanted; /* guarded by lock, like the rest */
static bool inside;
static int result;
static int visits;

static __attribute__((noinline)) void wait_until_unwanted(void)
{
	pthread_mutex_lock(&lock);
	inside = true;
	pthread_cond_broadcast(&changed);
	while (wanted)
		pthread_cond_wait(&changed, &lock);
	inside = false;
	pthread_mutex_unlock(&lock);
}

static __attribute__((noinline)) int sit_inside(bool stay)
{
	if (stay)
		wait_until_unwanted();
	visits++;
	return 1000 + visits;
}

static void *sitter(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "sitter");
	for (;;) {
		pthread_mutex_lock(&lock);
		while (!wanted)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);

		int value = sit_inside(true);

		pthread_mutex_lock(&lock);
		result = value;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void enter(void)
{
	pthread_mutex_lock(&lock);
	wanted = true;
	result = 0;
	pthread_cond_broadcast(&changed);
	while (!inside)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static int leave(void)
{
	int value;

	pthread_mutex_lock(&lock);
	wanted = false;
	pthread_cond_broadcast(&changed);
	while (result == 0)
		pthread_cond_wait(&changed, &lock);
	value = result;
	pthread_mutex_unlock(&lock);
	return value;
}

int main(void)
{
	pthread_t thread;
	char line[64];

	if (pthread_create(&thread, NULL, sitter, NULL))
		return 1;
	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "enter") == 0) {
			enter();
			lines_answer("in");
		} else if (strcmp(line, "leave") == 0) {
			lines_answer("%d", leave());
		} else if (strcmp(line, "value") == 0) {
			lines_answer("%d", sit_inside(false));
		} else {
			lines_answer("?");
		}
	}
	return 0;
}
