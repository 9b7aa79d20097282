#include <cstddef>
#include <cstdio>
#include "shared.h"

extern "C" void play(int value, char *out, size_t size)
{
	int result = other(value);

	snprintf(out, size, "%s %d %d, %d %d", commands[value & 1].name, commands[value & 1].arity,
		 prices[value & 1], result, limit);
}
