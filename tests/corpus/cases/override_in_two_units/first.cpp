#include "shared.h"

actor *born()
{
	static orc one;

	return &one;
}
