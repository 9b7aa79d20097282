#include <stddef.h>
#include <stdio.h>

/* Called through a pointer that is stored, and by its name; counts in a variable of its own. */
__attribute__((noinline)) static int hit(int damage)
{
	static int hits = 100;

	return damage * 10 + hits++ % 10;
}

static int (*const first[])(int) = {hit, hit};
static int (*volatile handler)(int) = hit;

__attribute__((noinline)) static const char *whose(void)
{
	return handler == hit ? "ours" : "other";
}

void play(int value, char *out, size_t size)
{
	int now = handler(value), again = hit(value);

	snprintf(out, size, "%s %d %d %d", whose(), now, again, first[value & 1] == handler);
}
