#include <cstdio>

int near_used(int value);
int far_first(int value);
int far_second(int value);

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d %d %d", near_used(value), far_first(value), far_second(value));
}
