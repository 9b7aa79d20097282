#include <stdio.h>

static int twice(int value)
{
	return value > 3 ? value * 2 : value;
}

__attribute__((noinline)) static int one(int value)
{
	return twice(value) + 1;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", one(value));
}
