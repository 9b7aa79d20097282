#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int total;

__attribute__((noinline)) static int parse(const char *text)
{
	int sum = 0;

	while (*text)
		sum = sum * 31 + *text++;
	return sum;
}

/* Each sum is checked, and the trap behind it says what was found: far jumps that V has short. */
__attribute__((noinline)) static int classify(int value)
{
	switch (value % 6) {
	case 0:
		return abs(value) + 1;
	case 1:
		return parse("one");
	case 2:
		total += value;
		return 3;
	case 3:
		return value * 7;
	case 4:
		return parse("four") + value;
	default:
		return value / 3;
	}
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", classify(value) + value * 2);
}
