#include <stddef.h>
#include <stdio.h>

static __thread int own = 5;
__thread int shared = 100;

__attribute__((noinline)) int count(int value)
{
	own++;
	shared += value;
	return own * 1000 + shared;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", count(value));
}
