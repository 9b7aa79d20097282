#include <stdio.h>

int twice(int value);

__attribute__((noinline)) static int other(int value)
{
	return value * 7;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d", twice(value), other(value));
}
