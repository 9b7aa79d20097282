#include "shared.h"

#include <cstddef>
#include <cstdio>

extern "C" void play(int value, char *out, size_t size)
{
	int taken = game::Pool<int>::take(value);
	int number = game::ticket();

	snprintf(out, size, "%d %d %d", taken, number, elsewhere(value));
}
