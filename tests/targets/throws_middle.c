/*
 * The C function in the middle: exceptions pass through it, and it cleans up when they do. It is
 * compiled with -fexceptions.
 */
#include "throws.h"

static void clean(int **cleaned)
{
	++**cleaned;
}

int middle(int (*inner)(int), int value, int *cleaned)
{
	int *guard __attribute__((cleanup(clean))) = cleaned;

	(void)guard;
	return inner(value) + 1;
}
