#include <stdio.h>

__attribute__((noinline)) int first(int value)
{
	return value % 1000 + 1;
}

__attribute__((noinline)) int second(int value)
{
	static int seen = 20;

	return value + ++seen;
}

__attribute__((noinline)) int third(int value)
{
	static int seen = 30;

	return value + ++seen;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d %d", first(value), second(value), third(value));
}
