#include <cstddef>
#include <cstdio>
#include <functional>

static std::function<int(int)> first, second;

static void prepare(int base)
{
	if (first)
		return;
	std::function<int(int)> gone = [](int v) { return v + 7; };

	gone(base);
	first = [base](int v) { return v + base; };
	second = [](int v) { return v * 10; };
}

extern "C" void play(int value, char *out, size_t size)
{
	prepare(value);
	snprintf(out, size, "%d %d", first(value), second(value));
}
