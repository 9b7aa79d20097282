#include <stdio.h>

int common_one;
int common_two;

__attribute__((noinline)) static int count(int value)
{
	common_one += value;
	return common_one + common_two;
}

void play(int value, char *out, size_t size)
{
	int result = count(value);

	snprintf(out, size, "%d", result);
}
