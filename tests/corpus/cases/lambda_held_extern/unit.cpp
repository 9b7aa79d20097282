#include <cstddef>
#include <cstdio>
#include <functional>

static std::function<int(int)> first, second;
static int sum;

void prepare(int base)
{
	if (first)
		return;
	first = [base](int v) { return v + base; };
	second = [base](int v) {
		static int calls;

		return v * 10 + base + ++calls * 1000;
	};
}

extern "C" void play(int value, char *out, size_t size)
{
	prepare(value);
	sum += value;
	snprintf(out, size, "%d %d %d", first(value), second(value), sum);
}
