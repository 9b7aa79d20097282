#include "shared.h"

int elsewhere(int value)
{
	return game::Pool<int>::take(value) + game::ticket();
}
