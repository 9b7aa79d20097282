#include <stdio.h>

__attribute__((noinline)) int one(int value)
{
	return value * 3 + 1;
}

__attribute__((noinline)) int two(int value)
{
	return value * 3 + 1;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d", one(value), two(value));
}
