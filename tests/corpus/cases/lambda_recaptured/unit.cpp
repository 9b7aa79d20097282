#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <vector>

static int sorted(int pivot)
{
	std::vector<int> v = {3, 9, 4, 7, 1, 8, 2, 6};

	std::sort(v.begin(), v.end(), [](int a, int b) {
		return a < b;
	});
	return v[0] * 10 + v[1];
}

static int found(int limit, int factor)
{
	std::vector<int> v = {3, 9, 4, 7};
	auto it = std::find_if(v.begin(), v.end(), [limit](int x) {
		return x > limit;
	});

	return it == v.end() ? -factor : *it;
}

static int local(int a, int b)
{
	int calls = 0;
	auto f = [&calls, b](int x) {
		calls++;
		return x + b;
	};

	return f(a) + f(a + 1) + calls * 1000;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d %d", sorted(value), found(value, 2), local(value, 100));
}
