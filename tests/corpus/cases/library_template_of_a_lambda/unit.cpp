#include <algorithm>
#include <cstdio>
#include <functional>
#include <vector>

static std::function<int(int)> handler;

static void install(int base)
{
	handler = [base](int value) {
		return value + base;
	};
}

static void arrange(std::vector<int> &values)
{
	std::sort(values.begin(), values.end(), [](int left, int right) {
		return left % 10 < right % 10;
	});
}

extern "C" void play(int value, char *out, size_t size)
{
	std::vector<int> values{17, value, 42, 23};

	if (!handler)
		install(100);
	arrange(values);
	snprintf(out, size, "%d %d %d %d %d", handler(value), values[0], values[1], values[2],
		 values[3]);
}
