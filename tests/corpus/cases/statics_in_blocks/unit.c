#include <stdio.h>

__attribute__((noinline)) int count(int value)
{
	if (value > 10) {
		static int seen = 100;

		return ++seen;
	}
	if (value > 5) {
		static int seen = 200;

		return ++seen;
	}
	return 0;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", count(value));
}
