#include <stdio.h>

int library_work(int value);

int host_limit(int value)
{
	return value > 10 ? 10 : value;
}

int host_bonus(int value)
{
	return value * 2;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", library_work(value));
}
