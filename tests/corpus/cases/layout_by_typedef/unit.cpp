#include <cstdio>
#include <cstdlib>

namespace game {
typedef struct {
	int coins;
} purse;
} // namespace game

void *purses;

__attribute__((noinline)) int earn(int value)
{
	if (!purses)
		purses = calloc(4, sizeof(game::purse));
	return static_cast<game::purse *>(purses)[value & 3].coins += value;
}

extern "C" void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", earn(value));
}
