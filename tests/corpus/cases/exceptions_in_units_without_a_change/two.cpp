#include "shared.h"

__attribute__((noinline)) int second(int value)
{
	try {
		return twice(value);
	} catch (int thrown) {
		return -thrown;
	}
}

extern "C" void play(int value, char *out, size_t size)
{
	int one = first(value);
	int two = second(value);

	snprintf(out, size, "%d %d", one, two);
}
