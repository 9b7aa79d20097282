#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

static jmp_buf out;
static int reported[4];

__attribute__((noinline, noreturn)) static void leave(int value)
{
	longjmp(out, value);
}

/* No return, and a loop: still no thread stays in it. */
__attribute__((noinline, noreturn)) static void fail(int value)
{
	for (int i = 0; i < value % 4; i++)
		reported[i] += value;
	if (value > 50)
		reported[3]++;
	leave(value + reported[0] + reported[3]);
}

void play(int value, char *out_text, size_t size)
{
	int got = setjmp(out);

	if (!got)
		fail(value);
	snprintf(out_text, size, "%d", got);
}
