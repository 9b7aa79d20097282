#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline, cold)) void complain(int value, char *out, size_t size)
{
	snprintf(out, size, "no %d", value);
}

__attribute__((noinline)) int check(int value, char *out, size_t size)
{
	if (__builtin_expect(value < 0, 0)) {
		complain(value - 1, out, size);
		return -1;
	}
	return value % 1000 * 2;
}

void play(int value, char *out, size_t size)
{
	int checked = check(value, out, size);

	if (checked >= 0)
		snprintf(out, size, "%d", checked);
}
