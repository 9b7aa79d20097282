#include <cstddef>
#include <cstdio>
#include <cstring>


__attribute__((noinline)) static int thrower(int value)
{
	if (value > 50)
		throw value;
	if (value < 0)
		throw (long)value;
	return value;
}

__attribute__((noinline)) static int middle(int value)
{
	try {
		return thrower(value);
	} catch (int) {
		return -1;
	}
}

extern "C" void play(int value, char *out, size_t size)
{
	try {
		snprintf(out, size, "%d", middle(value));
	} catch (...) {
		snprintf(out, size, "outside");
	}
}
