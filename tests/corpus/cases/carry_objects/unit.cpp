#include <cstddef>
#include <cstdio>

volatile int made;

struct counter {
	int value;
	__attribute__((noinline)) explicit counter(int start) : value(start) { made = made + 1; }
	~counter() {}
};

static int total;

__attribute__((noinline)) int count(int value)
{
	total += value;
	return total;
}

extern "C" void play(int value, char *out, size_t size)
{
	static counter played(0);
	int result = count(value) + played.value;

	snprintf(out, size, "%d made %d", result, made);
}
