#include "shared.h"

#include <cstddef>
#include <cstdio>

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", value + bump());
}
