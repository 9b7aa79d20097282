/*
 * Four threads that call the patched function again and again and look at every answer: it is the
 * old one or the new one for the same arguments, or something went badly wrong.
 *
 *   counts   → old N new N wrong N, since the start
 *   now      → old, new or wrong: one call made here
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lines.h"

enum { CALLERS = 4 };

static atomic_ulong old_answers, new_answers, wrong_answers;

/* Old: 3x + sum of the digits. The patch: 5x + the same. They agree for no x > 0. */
static __attribute__((noinline)) unsigned digits(unsigned x)
{
	unsigned sum = 0;

	for (; x; x /= 10)
		sum += x % 10;
	return sum;
}

__attribute__((noinline)) unsigned answer(unsigned x, unsigned *seen)
{
	*seen = x;
	return 3 * x + digits(x);
}

static unsigned expected(unsigned x, unsigned factor)
{
	return factor * x + digits(x);
}

static const char *ask(unsigned x)
{
	unsigned seen = 0, got = answer(x, &seen);

	if (seen == x && got == expected(x, 3)) {
		atomic_fetch_add_explicit(&old_answers, 1, memory_order_relaxed);
		return "old";
	}
	if (seen == x && got == expected(x, 5)) {
		atomic_fetch_add_explicit(&new_answers, 1, memory_order_relaxed);
		return "new";
	}
	atomic_fetch_add_explicit(&wrong_answers, 1, memory_order_relaxed);
	return "wrong";
}

static void *caller(void *arg)
{
	unsigned x = 1 + (unsigned)(size_t)arg;

	/* A breath after each burst, so that others get a processor at all. */
	for (unsigned burst = 1;; burst++) {
		ask(x);
		x = x % 100000 + 1;
		if (burst % 5000 == 0)
			usleep(50);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;
	char line[64];

	for (size_t i = 0; i < CALLERS; i++)
		if (pthread_create(&thread, NULL, caller, (void *)i))
			return 1;
	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "counts") == 0)
			lines_answer("old %lu new %lu wrong %lu", atomic_load(&old_answers),
				     atomic_load(&new_answers), atomic_load(&wrong_answers));
		else if (strcmp(line, "now") == 0)
			lines_answer("%s", ask(77));
		else
			lines_answer("?");
	}
	return 0;
}
