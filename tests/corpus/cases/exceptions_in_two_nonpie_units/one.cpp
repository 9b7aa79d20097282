#include "shared.h"

namespace {
struct failure {
	int code;
};
} // namespace

static int cleaned_first;

__attribute__((noinline)) static int deep(int value)
{
	if (value > 50)
		throw failure{value};
	return value;
}

__attribute__((noinline)) int first(int value)
{
	guard g{&cleaned_first};

	try {
		return deep(value) + 1;
	} catch (const failure &f) {
		return f.code + 2 + cleaned_first;
	}
}
