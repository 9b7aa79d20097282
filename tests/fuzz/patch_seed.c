/* SPDX-License-Identifier: MIT */
/*
 * A small patch with every table in it, as a seed for the fuzzer of the patch reader. With FURTHER,
 * the path of another one compiled from this file without it, that is its part for a further
 * module.
 */
int new_function(int x);
int hook(void);
const int table[2] = {1, 2};
static const char *texts[] = {"a", "b"};
const char **text = texts;
/* The loader's side table fills fields of the file: not in .bss. */
__attribute__((section(".data"))) int (*slot)(int) = 0;
__attribute__((section(".data"))) long original = 0;

int new_function(int x)
{
	return x * 3 + **text + slot(x);
}

int hook(void)
{
	return 0;
}

#ifdef FURTHER
#define MODULE "1"
#define FURTHER_TABLE \
	".section .suture.further,\"\",@progbits\n .balign 8\n .incbin \"" FURTHER "\"\n"
#define DEPENDS ".section .suture.depends,\"\",@progbits\n .balign 8\n .quad 0\n .zero 32\n"
#else
#define MODULE "0"
#define FURTHER_TABLE
#define DEPENDS
#endif

/* Records of src/patch/format.h by hand; the fuzzer writes the digest. */
__asm__(".section .suture.strings,\"\",@progbits\n"
	"0: .asciz \"seed\"\n 1: .asciz \"function\"\n"
	".section .suture.header,\"\",@progbits\n .balign 8\n"
	".ascii \"SUTURE\\r\\n\"\n .long 1\n .short 62, 0\n .quad 0, -1, 72\n .zero 32\n"
	".section .suture.modules,\"\",@progbits\n .balign 8\n .quad 0\n .long 1, 20\n "
	".byte " MODULE "\n .zero 31\n"
	".section .suture.functions,\"\",@progbits\n .balign 8\n"
	".quad 0, 5, -1, 0x1000, 32, new_function, 8, 0\n .zero 32\n"
	".section .suture.symbols,\"\",@progbits\n .balign 8\n"
	".quad 0, 5, -1, 0x2000\n .long 1, 2\n .quad -1\n"
	".quad 0, 5, -1, 0\n .long 2, 0\n .quad -1\n"
	".section .suture.relocs,\"\",@progbits\n .balign 8\n .quad slot, 0, 0\n .long 1, 0\n"
	".section .suture.data,\"\",@progbits\n .balign 8\n"
	".quad 0, 5, -1, 0x3000, 8, table\n .long 1, 0\n .zero 32\n"
	".quad 0, 5, -1, 0, 8, slot\n .long 3, 0\n .zero 32\n"
	".section .suture.hooks,\"\",@progbits\n .balign 8\n .quad hook\n .long 1, 0\n"
	".section .suture.idle,\"\",@progbits\n .balign 8\n .quad 0, 5, 0x4000, 16\n"
	".section .suture.constructors,\"\",@progbits\n .balign 8\n .quad hook\n" DEPENDS
	".section .suture.surroundings,\"\",@progbits\n .balign 8\n"
	".quad 0, 0x1040, 32, 8\n .long 1, 0\n .quad 0, 0x1002, 0, 0\n .long 2, 0\n"
	".section .suture.originals,\"\",@progbits\n .balign 8\n .quad original, new_function\n"
	".section .suture.migrations,\"\",@progbits\n .balign 8\n"
	".quad 5, 16, 24, hook, hook, 0, 5, 16, 24, hook, -1, 0\n"
	".section .suture.variables,\"\",@progbits\n .balign 8\n .quad 88, -1, 5\n"
	".long 0, 0\n .zero 32\n"
	".section .suture.constructs,\"\",@progbits\n .balign 8\n .quad 0, 0\n"
	".section .suture.provides,\"\",@progbits\n .balign 8\n"
	".quad 0, 5, hook\n .long 3, 0\n"
	".section .suture.provenance,\"\",@progbits\n .balign 8\n .quad 0, 5\n" FURTHER_TABLE
	".text\n");
