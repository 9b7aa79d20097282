#include "unit.h"

int total;

int total_of_others(int value)
{
	return value;
}
