/*
 * Code that goes into the middle of a function of surroundings.c, as hand-written assembly may. Nobody
 * runs it, but who overwrites that function's first bytes can't know that.
 */
__asm__(".text\n"
	".globl intruder\n.type intruder, @function\n"
	"intruder: jmp entered + 3\n"
	".size intruder, .-intruder\n");
