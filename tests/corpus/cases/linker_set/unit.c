#include <stdio.h>

typedef int (*step)(int);
extern step __start_steps[], __stop_steps[];
#define STEP(f) static step f##_entry __attribute__((used, section("steps"))) = f

static int one(int x) { return x + 1; }
STEP(one);

void play(int value, char *out, size_t size)
{
	for (step *s = __start_steps; s < __stop_steps; s++)
		value = (*s)(value);
	snprintf(out, size, "%d", value);
}
