#include "shared.h"

namespace {
struct failure {
	int code;
};
} // namespace

static int cleaned_second;

__attribute__((noinline)) static int deep(int value)
{
	if (value > 50)
		throw failure{value};
	return value;
}

__attribute__((noinline)) int second(int value)
{
	guard g{&cleaned_second};

	try {
		return deep(value) + 1;
	} catch (const failure &f) {
		return f.code + 2 + cleaned_second;
	}
}

extern "C" void play(int value, char *out, size_t size)
{
	int one = first(value);
	int two = second(value);

	snprintf(out, size, "%d %d", one, two);
}
