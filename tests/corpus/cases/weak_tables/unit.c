#include <stdio.h>

#include "tables.h"

extern int first_rule(int value);

static const int own[4] = {10, 20, 30, 40};

__attribute__((noinline)) static int walk(int value)
{
	int result = upper[value & 7];

	switch (value % 9) {
	case 0: result += 3; break;
	case 1: result ^= 12; break;
	case 2: result *= 5; break;
	case 3: result -= lower[value & 3]; break;
	case 4: result |= 64; break;
	case 5: result += own[value & 3]; break;
	case 6: result = -result; break;
	case 7: result += 1000; break;
	}
	return result;
}

void play(int value, char *out, size_t size)
{
	int result = walk(value);

	snprintf(out, size, "%d %d", result, first_rule(value));
}
