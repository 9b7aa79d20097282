#include <cstddef>
#include <cstdio>
#include <cstring>


static volatile int stamp = 3;

struct config {
	int limit;
	explicit config(int start) : limit(start + stamp) {}
};

static config settings(10);

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", settings.limit + value);
}
