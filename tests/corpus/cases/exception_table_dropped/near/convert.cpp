#include <stdexcept>

void check(int value);

int near_used(int value)
{
	try {
		check(value);
	} catch (const std::runtime_error &) {
		return -1;
	}
	return value;
}

/* Nothing calls it: the linker drops it, and its exception table with it. */
int near_spare(int value)
{
	try {
		check(value);
	} catch (const std::logic_error &) {
		return -2;
	}
	return value;
}
