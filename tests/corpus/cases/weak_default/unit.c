#include <stdio.h>

/* What holds in a program that brings no rule of its own: this one does, in strong.c. */
__attribute__((weak)) const int limits[2] = {500, 600};

__attribute__((weak)) int bonus(int value)
{
	return value * 2 + 1;
}

__attribute__((weak, section(".text.extra"))) int extra(int value)
{
	return value * 4 + 1;
}

/* Nobody brings another one. */
__attribute__((weak)) int malus(int value)
{
	return value * 3 + 1;
}

__attribute__((noinline)) static int count(int value)
{
	static int calls;

	if (value > 100)
		value = limits[value & 1];
	return bonus(value) + malus(value) + extra(value) + ++calls * 10000;
}

void play(int value, char *out, size_t size)
{
	int result = count(value);

	snprintf(out, size, "%d", result);
}
