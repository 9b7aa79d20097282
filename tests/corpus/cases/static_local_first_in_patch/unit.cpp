#include <cstddef>
#include <cstdio>
#include <cstring>


volatile int constructed;

struct counter {
	int value;
	counter() : value(10) { constructed++; }
	~counter() {}
};

__attribute__((noinline)) static int bump(int value)
{
	static counter c;

	c.value += value;
	return c.value;
}

extern "C" void play(int value, char *out, size_t size)
{
	int result = value > 0 ? bump(value) : 0;

	snprintf(out, size, "%d constructed %d", result, constructed);
}
