#include <stdio.h>

volatile int sink;

__attribute__((noinline)) int pick(int x)
{
	switch (x) {
	case 0: sink = 4; return 5;
	case 1: sink += 5; return 9;
	case 2: return sink * 3;
	case 4: sink = 9; return 21;
	case 5: sink -= 3; return 4;
	case 7: return sink + 11;
	case 8: sink = 1; return 2;
	case 11: return sink * sink;
	default:
		/* Never: the table's gaps lead to the end of a section of cold code, which has none. */
		__builtin_unreachable();
	}
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", pick(value));
}
