/*
 * A server of N threads, each sleeping a moment and then calling the patched function, and one that
 * ticks. For measuring.
 *
 *   target-threads N TICK_US
 *
 *   cost N    → nanoseconds a call took, median of N measurements of 200,000 calls: MEDIAN LEAST
 * MOST gap       → the longest gap between two ticks since the last asking, in microseconds value
 * → what the patched function returns
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"

enum { CALLS = 200000, MEASUREMENTS = 101, STACK = 64 << 10 };

static atomic_ulong gap_us;
static long tick_us;

__attribute__((noinline)) int handle(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value + 1;
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void sleep_us(long us)
{
	struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

	nanosleep(&time, NULL);
}

static void *worker(void *arg)
{
	volatile int sink = (int)(size_t)arg;

	for (;;) {
		sleep_us(10000 + (long)((size_t)arg % 100) * 100);
		sink = handle(sink);
	}
	return NULL;
}

static void *ticker(void *arg)
{
	double last = now_us();

	(void)arg;
	for (;;) {
		sleep_us(tick_us);

		double now = now_us();
		unsigned long gap = (unsigned long)(now - last);

		last = now;
		if (gap > atomic_load(&gap_us))
			atomic_store(&gap_us, gap);
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void cost(int measurements)
{
	double ns[MEASUREMENTS];
	int value = 1;

	if (measurements < 1 || measurements > MEASUREMENTS)
		measurements = MEASUREMENTS;
	for (int i = 0; i < measurements; i++) {
		double start = now_us();

		for (int call = 0; call < CALLS; call++)
			value = handle(value);
		ns[i] = (now_us() - start) * 1e3 / CALLS;
	}
	qsort(ns, (size_t)measurements, sizeof(ns[0]), compare);
	lines_answer("%.3f %.3f %.3f", ns[measurements / 2], ns[0], ns[measurements - 1]);
}

int main(int argc, char **argv)
{
	pthread_attr_t attributes;
	pthread_t thread;
	char line[64];
	int count = argc > 1 ? atoi(argv[1]) : 1;

	tick_us = argc > 2 ? atol(argv[2]) : 1000;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	if (pthread_create(&thread, &attributes, ticker, NULL))
		return 1;
	for (int i = 0; i < count; i++)
		if (pthread_create(&thread, &attributes, worker, (void *)(size_t)i))
			return 1;
	while (lines_next(line, sizeof(line))) {
		if (strncmp(line, "cost ", 5) == 0)
			cost(atoi(line + 5));
		else if (strcmp(line, "gap") == 0)
			lines_answer("%lu", atomic_exchange(&gap_us, 0));
		else if (strcmp(line, "value") == 0)
			lines_answer("%d", handle(1));
		else
			lines_answer("?");
	}
	return 0;
}
