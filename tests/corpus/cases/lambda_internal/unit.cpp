#include <cstddef>
#include <cstdio>
#include <cstring>
#include <functional>

static std::function<int(int)> kept;

static void prepare()
{
	auto first = [](int v) { return v + 1; };
	auto second = [](int v) { return v * 10; };

	if (!kept)
		kept = second;
	(void)first;
}

extern "C" void play(int value, char *out, size_t size)
{
	prepare();
	snprintf(out, size, "%d", kept(value));
}
