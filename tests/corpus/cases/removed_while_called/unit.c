#include <stdio.h>

#include "common.h"

int caller(int value);
int counted(int value);

static __attribute__((noinline)) int scaled(int value)
{
	return value * 3;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", caller(value) + counted(value) + scaled(twice(value)));
}
