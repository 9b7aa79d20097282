#include <stddef.h>
#include <stdio.h>

static int mode;

/* It is 0 or 3: clang stores which. */
__attribute__((noinline)) static int step(int value)
{
	if (value > 5)
		mode = 3;
	return value + mode;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", step(value));
}
