#include <stdio.h>

/*
 * mold fills with zeros. The return, three of them and a byte more, read as a distance, lead behind
 * triple's first byte; the fifth zero is cut off by the next label, so nothing decodes it.
 */
__asm__(".p2align 4\n"
	".type before, @function\n"
	"before: .skip 10, 0x90\n"
	"ret\n"
	".size before, . - before\n"
	".skip 5\n"
	".type between, @function\n"
	"between: .skip 191, 0x90\n"
	"ret\n"
	".size between, . - between\n"
	".p2align 4\n");
__attribute__((noinline)) int triple(int value)
{
	return value * 3 + 1000003;
}

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", triple(value));
}
