#include <stdio.h>

int library_work(int value);

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", library_work(value));
}
