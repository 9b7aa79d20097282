#include <cstddef>
#include <cstdio>
#include <cstring>


#include <stdexcept>

struct guard {
	int *count;
	~guard() { ++*count; }
};

static int cleaned;

__attribute__((noinline)) static int deep(int value)
{
	guard g{&cleaned};

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
	} catch (const std::exception &error) {
		snprintf(out, size, "%s cleaned %d", error.what(), cleaned);
	}
}
