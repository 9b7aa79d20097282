#include <stdio.h>

__attribute__((noinline)) static int first(int value)
{
	return value % 100000 + 1;
}

__attribute__((noinline)) static int second(int value)
{
	return value % 100000 + 2;
}

static inline __attribute__((always_inline)) int both(int value)
{
	return first(value) * 10 + second(value);
}

__attribute__((noinline)) int round_of(int value)
{
	return both(value);
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", round_of(value));
}
