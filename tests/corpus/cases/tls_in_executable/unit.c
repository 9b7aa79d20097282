#include <stdio.h>
#include <errno.h>

__thread int per_thread = 5;
static __thread int own_thread;

__attribute__((noinline)) static int count(int value)
{
	errno = 3;
	own_thread += value;
	return ++per_thread * 100 + own_thread;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", count(value));
}
