#include <stddef.h>
#include <stdio.h>

static int (*volatile source)(void);

/* Small enough to become part of the loop that calls it. */
__attribute__((always_inline)) static inline void answer(int got)
{
	printf("%d", got);
}

/* A server's loop. */
__attribute__((noinline, noreturn)) void serve(void)
{
	for (;;) {
		int got = source();

		if (got > 0)
			answer(got);
	}
}

void play(int value, char *out, size_t size)
{
	if (value == 12345)
		serve();
	snprintf(out, size, "%d", value);
}
