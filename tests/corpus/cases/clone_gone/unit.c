#include <stdio.h>

__attribute__((noinline)) static int scale(int value, int factor, const int *offset)
{
	int sum = 0;

	for (int i = 0; i < value % 7; i++)
		sum += factor * i + *offset;
	return sum;
}

int base = 3;

__attribute__((noinline)) int count(int value)
{
	return scale(value, 4, &base) + scale(value + 1, 4, &base);
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", count(value));
}
