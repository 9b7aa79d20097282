#include "common.h"

int helper(int value);

int caller(int value)
{
	return helper(twice(value)) * 10;
}
