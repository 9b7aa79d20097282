#include <cstddef>
#include <cstdio>
#include <cstring>


#include <stdexcept>
#include <string>

struct guard {
	int *count;
	~guard() { ++*count; }
};

static int cleaned;

__attribute__((noinline)) static int deep(int value)
{
	if (value > 50)
		throw std::out_of_range("deep " + std::to_string(value));
	return value;
}

__attribute__((noinline)) static int middle(int value)
{
	guard g{&cleaned};
	int result = deep(value);

	return result + 1;
}

extern "C" void play(int value, char *out, size_t size)
{
	try {
		int result = middle(value);

		snprintf(out, size, "%d cleaned %d", result, cleaned);
	} catch (const std::exception &error) {
		snprintf(out, size, "%s cleaned %d", error.what(), cleaned);
	}
}
