#include <cstddef>
#include <cstdio>

namespace {
struct failure {
	int code;
};
} // namespace

static int level = 7;

__attribute__((noinline)) static int deep(int value)
{
	if (value > 50)
		throw failure{value + level++};
	return value;
}

extern "C" void play(int value, char *out, size_t size)
{
	int result;

	try {
		result = deep(value) + 1;
	} catch (const failure &f) {
		result = f.code;
	}
	snprintf(out, size, "%d", result);
}
