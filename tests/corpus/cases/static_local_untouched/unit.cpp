#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

struct settings {
	int limit;
	explicit settings(int from);
};

__attribute__((noinline)) settings::settings(int from) : limit(from + 1) {}

struct scaled {
	int by;
	explicit scaled(int from) : by(0)
	{
		for (int i = 0; i < from; i++)
			by += by > 100 ? i * 3 : i;
	}
};

__attribute__((noinline)) int factor(int value)
{
	return value % 100;
}

__attribute__((noinline)) int bound(int value)
{
	static const settings fixed(10);
	static const settings edited(20);
	static const std::string name = "a name that is too long to be kept inside";
	static const std::vector<int> steps{1, 2, 3, 4};
	static scaled inlined(factor(7));

	return value + fixed.limit + edited.limit + (int)name.size() + steps[1] + inlined.by;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", bound(value));
}
