#include "shared.h"

#include <cstdio>

/* In this file score() has it inside: its copy changes with it, and is not the one that runs. */
int scaled(int value)
{
	return value > 1000 ? value / 7 : value * 2;
}

void both(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d", score(value), scaled(value));
}
