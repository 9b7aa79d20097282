#include "shared.h"

static volatile int seen;

int other(int value)
{
	seen = value;
	return value;
}
