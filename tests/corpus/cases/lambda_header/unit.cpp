#include "shared.h"

#include <cstddef>
#include <cstdio>

extern std::function<int(int)> from_other(int a);
static std::function<int(int)> mine, others;

extern "C" void play(int value, char *out, size_t size)
{
	if (!mine) {
		mine = give(10);
		others = from_other(100);
	}
	snprintf(out, size, "%d %d %d %d", mine(value), others(value), give(7)(value),
		 from_other(7)(value));
}
