#include <stdio.h>

int limit = 3;

__attribute__((noinline)) static int price(int value)
{
	return value * limit;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", price(value));
}
