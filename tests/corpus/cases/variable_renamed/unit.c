#include <stddef.h>
#include <stdio.h>

static int count = 5;

__attribute__((noinline)) int bump(int value)
{
	static int calls;

	return (count += value) * 100 + ++calls;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", bump(value));
}
