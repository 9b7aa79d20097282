#include <stddef.h>
#include <stdio.h>

static const int first[9] = {3, 1, 4, 1, 5, 9, 2, 6, 5};
static const int second[4] = {2, 7, 1, 8};
static int seen[3];
static int more[3];

/* The compiler counts by addresses: up to the end of one table, which is where the next begins. */
__attribute__((noinline)) static int total(void)
{
	int sum = 0;

	for (int i = 0; i < 9; i++)
		sum = sum * 3 + first[i];
	for (int i = 0; i < 4; i++)
		sum = sum * 3 + second[i];
	return sum;
}

/* More than before the first element of one is in another. */
__attribute__((noinline)) static int note(int value)
{
	seen[value - 1]++;
	more[value - 1] += seen[value - 1];
	return more[value - 1];
}

__attribute__((noinline)) static int step(int value)
{
	return (value >> 2) * 5 + 1;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d", note(value) + first[value] + second[value], step(total()));
}
