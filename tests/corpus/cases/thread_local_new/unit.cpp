#include <cstddef>
#include <cstdio>
#include <cstring>

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", value);
}
