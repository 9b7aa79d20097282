#include <stdio.h>

/*
 * Long nops, which assemblers fill with, end in zeros and are code for all that. The constant, read as a
 * distance, leads behind triple's first byte; decoded with the nop behind it, it is none.
 */
__asm__(".p2align 4\n"
	".type before, @function\n"
	"before: mov $12, %eax\n"
	"ret\n"
	".size before, . - before\n"
	".byte 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n"
	".p2align 4\n");
__attribute__((noinline)) int triple(int value)
{
	return value * 3 + 1000003;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", triple(value));
}
