#include <stddef.h>
#include <stdio.h>

static int prices[4] = {11, 25, 31, 47};

__attribute__((noinline)) static int price(int item)
{
	return prices[item & 3];
}

__attribute__((noinline)) static int pay(int item)
{
	return price(item) * 2;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", pay(value));
}
