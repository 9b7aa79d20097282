#include <cstddef>
#include <cstdio>
#include <functional>

static std::function<int(int)> first, second;

#define KEEP(op) first = [](int v) { return v op 2; }, second = [](int v) { return v op 3; }

static void prepare()
{
	if (!first)
		KEEP(+);
}

extern "C" void play(int value, char *out, size_t size)
{
	prepare();
	snprintf(out, size, "%d %d", first(value), second(value));
}
