#include <stdio.h>

struct box {
	int value;
};

struct crate {
	int value;
};

static int total;
static int calls;
static struct box first, *last = &first;
static struct {
	int value;
	int other;
} seen;

__attribute__((noinline)) static int look(void *thing)
{
	if (thing)
		last = thing;
	return last == &first;
}

__attribute__((noinline)) static int sum(int value)
{
	total += value;
	calls++;
	seen.value++;
	return total + calls + seen.value + seen.other;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d", sum(value), look(value == 77 ? out : NULL));
}
