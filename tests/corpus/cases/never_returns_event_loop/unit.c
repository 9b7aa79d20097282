#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static int (*volatile source)(void);

__attribute__((noinline, noreturn)) static void fatal(const char *text)
{
	fputs(text, stderr);
	abort();
}

/* A server's loop, which fails now and then. */
__attribute__((noinline, noreturn)) void serve(void)
{
	for (;;) {
		int got = source();

		if (got < 0)
			fatal("no source");
		printf("%d", got);
	}
}

void play(int value, char *out, size_t size)
{
	if (value == 12345)
		serve();
	snprintf(out, size, "%d", value);
}
