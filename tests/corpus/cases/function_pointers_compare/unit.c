#include <stdio.h>

typedef int rule(int value);

__attribute__((noinline)) int plain(int value)
{
	return value % 1000 + 1;
}

__attribute__((noinline)) int harsh(int value)
{
	return value % 1000 + 2;
}

rule *now = plain;

__attribute__((noinline)) int same(void)
{
	return now == plain;
}

__attribute__((noinline)) void choose(int value)
{
	now = value > 100 ? harsh : plain;
}

void play(int value, char *out, size_t size)
{
	if (value)
		choose(value);
	snprintf(out, size, "%d %d", now(value), same());
}
