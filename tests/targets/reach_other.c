/* The other unit: owns globals, and a static of the same name as one in reach.c. */
#include "reach.h"

static int same_name = 500;
static struct purse purse = {.coin = 40, .owner = "nobody"};

int shared_count = 10;
__thread int shared_per_thread = 3;
struct purse *shared_purse = &purse;

__attribute__((noinline)) int shared_double(int value)
{
	return value * 2;
}

__attribute__((noinline)) const char *other_same_name(void)
{
	static char text[16];
	int value = ++same_name, i = 15;

	text[i] = '\0';
	for (; value; value /= 10)
		text[--i] = (char)('0' + value % 10);
	return text + i;
}
