#include <cstddef>
#include <cstdio>
#include <cstring>


volatile int constructed;

struct counter {
	int value;
	__attribute__((noinline)) explicit counter(int start) : value(start) { constructed = constructed + 1; }
	~counter() {}
};

__attribute__((noinline)) static int bump(int value)
{
	static counter c(10);

	c.value += value;
	return c.value;
}

extern "C" void play(int value, char *out, size_t size)
{
	int result = bump(value);

	snprintf(out, size, "%d constructed %d", result, constructed);
}
