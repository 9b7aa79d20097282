#include <cstddef>
#include <cstdio>
#include <functional>

static std::function<int(int)> held = [](int v) { return v + 1; };
static const auto scale = [](int v) { return v * 10; };

struct thing {
	std::function<int(int)> member = [](int v) { return v + 100; };
	std::function<int(int)> method(int a)
	{
		return [a](int v) { return v + a; };
	}
};

inline std::function<int(int)> give(int a)
{
	return [a](int v) { return v - a; };
}

static thing one;
static std::function<int(int)> by_method, given;

extern "C" void play(int value, char *out, size_t size)
{
	if (!given) {
		by_method = one.method(1000);
		given = give(5);
	}
	snprintf(out, size, "%d %d %d %d %d", held(value), scale(value), one.member(value),
		 by_method(value), given(value));
}
