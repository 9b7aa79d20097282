#include "gears.h"

int gears_turn(int teeth)
{
	return teeth * 2;
}
