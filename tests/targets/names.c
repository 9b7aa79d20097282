/*
 * What debuggers, profilers and backtrace() make of a patched function.
 *
 *   value    → what named_work() returns
 *   trace    → the functions that backtrace() sees from inside it, innermost first
 *   park     → parked: a thread stays below it until the next line
 *   spin     → spinning: a thread calls it until the next line
 */
#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "lines.h"

enum { DEEPEST = 32 };

typedef void (*visitor)(void);

static char trace[1024];
static atomic_bool parked, spinning;
static atomic_ulong spins;

__attribute__((noinline)) static int named_leaf(visitor visit, int value)
{
	if (visit)
		visit();
	return value + 1;
}

__attribute__((noinline)) int named_work(visitor visit, int value)
{
	unsigned long hash = (unsigned long)value;

	for (int i = 0; i < 200; i++)
		hash = hash * 6364136223846793005ul + 1442695040888963407ul;
	atomic_fetch_add_explicit(&spins, hash | 1, memory_order_relaxed);
	return named_leaf(visit, value) * 2;
}

static void take_trace(void)
{
	void *frames[DEEPEST];
	int count = backtrace(frames, DEEPEST);
	char **names = backtrace_symbols(frames, count);

	trace[0] = '\0';
	for (int i = 0; names && i < count; i++) {
		char *open = strchr(names[i], '('), *end = open ? strpbrk(open, "+)") : NULL;
		size_t used = strlen(trace);

		if (!end)
			continue;
		*end = '\0';
		snprintf(trace + used, sizeof(trace) - used, "%s%s", used ? " " : "",
			 open[1] ? open + 1 : "?");
	}
	free(names);
}

static void stay(void)
{
	atomic_store(&parked, true);
	while (atomic_load(&parked))
		usleep(10000);
}

static void *parker(void *arg)
{
	(void)arg;
	named_work(stay, 20);
	return NULL;
}

static void *spinner(void *arg)
{
	(void)arg;
	while (atomic_load(&spinning))
		named_work(NULL, 20);
	return NULL;
}

static int run_until_next_line(void *(*body)(void *), atomic_bool *flag, const char *word)
{
	pthread_t thread;
	char line[64];

	if (pthread_create(&thread, NULL, body, NULL))
		return 1;
	while (!atomic_load(flag))
		usleep(1000);
	lines_answer("%s", word);
	lines_next(line, sizeof(line));
	atomic_store(flag, false);
	pthread_join(thread, NULL);
	lines_answer("done");
	return 0;
}

int main(void)
{
	char line[64];

	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "value") == 0) {
			lines_answer("%d", named_work(NULL, 20));
		} else if (strcmp(line, "trace") == 0) {
			named_work(take_trace, 20);
			lines_answer("%s", trace);
		} else if (strcmp(line, "park") == 0) {
			run_until_next_line(parker, &parked, "parked");
		} else if (strcmp(line, "spin") == 0) {
			atomic_store(&spinning, true);
			run_until_next_line(spinner, &spinning, "spinning");
		} else {
			lines_answer("?");
		}
	}
	return 0;
}
