#include "shared.h"

__attribute__((noinline)) int first(int value)
{
	try {
		return twice(value);
	} catch (int thrown) {
		return -thrown;
	}
}
