#include <cstddef>
#include <cstdio>
#include <cstring>


struct guard {
	int *count;
	~guard() { ++*count; }
};

static int cleaned;

__attribute__((noinline)) static int check(int value)
{
	guard g{&cleaned};

	if (value > 50)
		throw value;
	return value * 2;
}

static int (*volatile checker)(int) = check;

extern "C" void play(int value, char *out, size_t size)
{
	try {
		int result = checker(value);

		snprintf(out, size, "%d cleaned %d", result, cleaned);
	} catch (int number) {
		snprintf(out, size, "int %d cleaned %d", number, cleaned);
	} catch (...) {
		snprintf(out, size, "something cleaned %d", cleaned);
	}
}
