#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <vector>

struct room {
	std::vector<int> players{1, 2, 3};
	int bonus = 5;

	int total(int each)
	{
		int sum = 0;

		std::for_each(players.begin(), players.end(), [&sum](int p) {
			sum += p;
		});
		return sum + each;
	}
};

static int generic(int by)
{
	auto twice = [](auto v) {
		return v * 2;
	};

	return twice(by) + (int)twice(0.5);
}

static int nested(int a, int b)
{
	auto outer = [a](int x) {
		auto inner = [x](int y) {
			return x + y;
		};
		return inner(a);
	};

	return outer(b) + outer(1);
}

static int through(int a, int b)
{
	auto add = [a](int x) {
		return x + a;
	};
	auto both = [&](int x) {
		return add(x) + add(x + 1);
	};

	return both(b);
}

template <typename T> static T clamped(T low, T v)
{
	auto clamp = [low](T x) {
		return x < low ? low : x;
	};

	return clamp(v);
}

static auto make(int a, int b)
{
	(void)b;
	return [a](int x) {
		return x - a;
	};
}

static room lobby;

extern "C" void play(int value, char *out, size_t size)
{
	auto take = make(value, 2);

	snprintf(out, size, "%d %d %d %d %d %ld %d", lobby.total(value), generic(value),
		 nested(value, 10), through(value, 20), clamped(5, value), clamped(7L, (long)value),
		 take(100));
}
