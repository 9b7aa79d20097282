#include <stdio.h>

#include "rules.h"

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", limit(value));
}
