#include <stdio.h>

static int total;
static const int table[4] = {1, 2, 3, 4};

__attribute__((noinline)) int tax(int value)
{
	return value % 1000 / 10 + __LINE__;
}

__attribute__((noinline)) int count(int value)
{
	static int own = 10;

	own++;
	total += value;
	return total * 100 + own;
}

__attribute__((noinline)) int look(int value)
{
	return table[value & 3];
}

void play(int value, char *out, size_t size)
{
	int counted = count(value), taxed = tax(value), seen = look(value);

	snprintf(out, size, "%d %d %d", counted, taxed, seen);
}
