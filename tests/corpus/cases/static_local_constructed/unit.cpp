#include <cstddef>
#include <cstdio>

struct settings {
	int limit;
	explicit settings(int from);
};

__attribute__((noinline)) settings::settings(int from) : limit(from + 1) {}

__attribute__((noinline)) int bound(int value)
{
	static const settings fixed(10);

	return value + fixed.limit;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", bound(value));
}
