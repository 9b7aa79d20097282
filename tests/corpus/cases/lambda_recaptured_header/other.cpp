#include "shared.h"

int from_other(int limit)
{
	return above({1, 2, 3, 4, 5}, limit);
}
