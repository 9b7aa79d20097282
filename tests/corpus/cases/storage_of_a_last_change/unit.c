#include <stddef.h>
#include <stdio.h>

static int speed = 5;

__attribute__((noinline)) static int move(int value)
{
	if (value > 50)
		speed = value;
	return value * speed;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", move(value));
}
