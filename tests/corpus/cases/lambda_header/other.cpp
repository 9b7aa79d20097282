#include "shared.h"

std::function<int(int)> from_other(int a)
{
	return give(a);
}
