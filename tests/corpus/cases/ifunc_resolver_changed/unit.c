#include <stdio.h>

static int plain(int value) { return value + 1; }
static int fast(int value) { return value + 2; }
static void *resolve(void) { return sizeof(void *) == 8 ? (void *)fast : (void *)plain; }
int work(int value) __attribute__((ifunc("resolve")));

__attribute__((noinline)) static int call(int value)
{
	return work(value);
}

void play(int value, char *out, size_t size)
{
	int result = call(value);

	snprintf(out, size, "%d", result);
}
