#include <cstddef>
#include <cstdio>
#include <functional>

static int (*plain)(int);
static std::function<std::function<int(int)>(int)> nested;
static std::function<int(int)> generic, inner;

static void prepare()
{
	if (plain)
		return;
	plain = [](int v) { return v + 1; };
	generic = [](auto v) { return v + 2; };
	nested = [](int a) -> std::function<int(int)> {
		return [a](int v) { return v * a; };
	};
	inner = nested(10);
}

extern "C" void play(int value, char *out, size_t size)
{
	prepare();
	snprintf(out, size, "%d %d %d %d", plain(value), generic(value), inner(value),
		 nested(100)(value));
}
