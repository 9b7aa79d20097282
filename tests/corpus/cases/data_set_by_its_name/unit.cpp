#include <cstddef>
#include <cstdio>

namespace shop {
static int price = 10;
}

__attribute__((noinline)) static int buy(int value)
{
	if (value > 50)
		shop::price++;
	return value * shop::price;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", buy(value));
}
