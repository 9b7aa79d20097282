/* SPDX-License-Identifier: MIT */
/* A small patch with every table in it, as a seed for the fuzzer of the patch reader. */
int new_function(int x);
int hook(void);
const int table[2] = {1, 2};
static const char *texts[] = {"a", "b"};
const char **text = texts;
int (*slot)(int) = 0;

int new_function(int x)
{
	return x * 3 + **text + slot(x);
}

int hook(void)
{
	return 0;
}

/* Records of src/patch/format.h by hand; the fuzzer writes the digest. */
__asm__(".section .suture.strings,\"\",@progbits\n"
	"0: .asciz \"seed\"\n 1: .asciz \"function\"\n"
	".section .suture.header,\"\",@progbits\n .balign 8\n"
	".ascii \"SUTURE\\r\\n\"\n .long 1\n .short 62, 0\n .quad 0, -1, 72\n .zero 32\n"
	".section .suture.modules,\"\",@progbits\n .balign 8\n .quad 0\n .long 1, 20\n .zero 32\n"
	".section .suture.functions,\"\",@progbits\n .balign 8\n"
	".quad 0, 5, -1, 0x1000, 32, new_function, 8, 0\n .zero 32\n"
	".section .suture.symbols,\"\",@progbits\n .balign 8\n"
	".quad 0, 5, -1, 0x2000\n .long 1, 2\n .quad -1\n"
	".quad 0, 5, -1, 0\n .long 2, 0\n .quad -1\n"
	".section .suture.relocs,\"\",@progbits\n .balign 8\n .quad slot, 0, 0\n .long 1, 0\n"
	".section .suture.data,\"\",@progbits\n .balign 8\n"
	".quad 0, 5, -1, 0x3000, 8, table\n .long 1, 0\n .zero 32\n"
	".section .suture.hooks,\"\",@progbits\n .balign 8\n .quad hook\n .long 1, 0\n"
	".section .suture.idle,\"\",@progbits\n .balign 8\n .quad 0, 5, 0x4000, 16\n"
	".section .suture.constructors,\"\",@progbits\n .balign 8\n .quad hook\n"
	".section .suture.depends,\"\",@progbits\n .balign 8\n .quad 0\n .zero 32\n"
	".section .suture.provenance,\"\",@progbits\n .balign 8\n .quad 0, 5\n"
	".text\n");
