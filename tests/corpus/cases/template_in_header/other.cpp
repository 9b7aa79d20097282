#include "shared.h"

int other(int value)
{
	return twice(value) + plus(value);
}
