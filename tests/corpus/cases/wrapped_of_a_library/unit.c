#include <stdio.h>
#include <stdlib.h>

int size_of(int value);

static long distance(int value)
{
	return labs(value - 10);
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%ld %d", distance(value), size_of(value));
}
