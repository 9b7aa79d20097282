#include <stdio.h>

/* An address where a number was: what is written in place has to be the same pieces for every patch. */
static int twice(int value)
{
	return value * 2;
}

extern int (*const actions[2])(int value);
int (*const actions[2])(int value) = {twice, NULL};

void play(int value, char *out, size_t size)
{
	int (*action)(int value) = actions[value & 1];

	snprintf(out, size, "%d", action ? action(value) : 0);
}
