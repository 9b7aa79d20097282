#include "tables.h"

int first_rule(int value)
{
	return lower[value & 7] + upper[(value + 1) & 7];
}
