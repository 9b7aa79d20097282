#include <stdio.h>

__attribute__((noinline)) int real(int value)
{
	return value + 1;
}
int same(int value) __attribute__((alias("real")));

void play(int value, char *out, size_t size)
{
	int result = real(value) * 100 + same(value);

	snprintf(out, size, "%d", result);
}
