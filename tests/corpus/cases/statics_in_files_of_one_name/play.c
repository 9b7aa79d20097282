#include <stdio.h>

int red_count(int value);
int blue_count(int value);

void play(int value, char *out, size_t size);
void play(int value, char *out, size_t size)
{
	int red = red_count(value), blue = blue_count(value);

	snprintf(out, size, "%d %d", red, blue);
}
