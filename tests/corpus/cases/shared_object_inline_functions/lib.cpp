#include <cstddef>
#include <cstdio>

struct counter {
	int value = 5;
	__attribute__((noinline)) int grow(int by) { return value += by; }
};

static counter c;

__attribute__((noinline)) static int step(int value)
{
	return c.grow(value) * 2;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", step(value));
}
