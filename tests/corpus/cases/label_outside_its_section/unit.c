#include <stdio.h>

__attribute__((noinline)) int triple(int value)
{
	return value * 3;
}
__asm__(".globl beyond\n.set beyond, triple + 0x1000\n");
__asm__(".set before, triple - 16\n");

void play(int value, char *out, size_t size)
{
	snprintf(out, size, "%d", triple(value));
}
