#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>

struct guard {
	int *count;
	~guard() { ++*count; }
};

static int cleaned;

__attribute__((noinline)) static int deep(int value)
{
	guard g{&cleaned};

	if (value > 70)
		throw value;
	if (value > 60)
		return (int)std::string("short").at((size_t)value);
	if (value > 50)
		throw std::runtime_error("deep");
	return value;
}

__attribute__((noinline)) static int middle(int value)
{
	guard g{&cleaned};

	return deep(value) + 1;
}

int (*volatile call)(int) = middle;

extern "C" void play(int value, char *out, size_t size)
{
	try {
		int result = call(value);

		snprintf(out, size, "%d cleaned %d", result, cleaned);
	} catch (const std::exception &) {
		snprintf(out, size, "caught cleaned %d", cleaned);
	} catch (...) {
		snprintf(out, size, "unknown cleaned %d", cleaned);
	}
}
