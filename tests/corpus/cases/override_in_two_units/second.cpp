#include "shared.h"

#include <cstddef>
#include <cstdio>

extern "C" void play(int value, char *out, size_t size)
{
	actor *again = new orc;

	snprintf(out, size, "%d %d, new %d", born()->hit(value), born()->weight(), again->weight());
	delete again;
}
