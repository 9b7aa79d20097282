#include "shared.h"

#include <cstdio>

void both(int value, char *out, size_t size);

extern "C" void play(int value, char *out, size_t size)
{
	if (value < 0)
		snprintf(out, size, "%d", score(-value));
	else
		both(value, out, size);
}
