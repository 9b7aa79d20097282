/* SPDX-License-Identifier: MIT */
/*
 * Relocations of real object files against what real linkers made of them: every relocation of the
 * module's .text is matched, and what it says must agree with the linked file's own symbol table.
 * Compiled and linked here, by gcc with each linker that is installed, as executable (position
 * independent or not) and shared object, with every model of thread-local storage.
 */
#include "../test.h"

#include "arch/arch.h"
#include "elffile.h"

static char folder[256];

static const char module_source[] =
	"extern int out_var, out_func(int); extern __thread int out_tls;\n"
	"int near_var = 5; static int hidden_var = 7; int near_func(int x) { return x + 1; }\n"
	"__thread int near_tls = 3; static __thread int hidden_tls, hidden_tls2 = 9;\n"
	"int (*pointer)(int);\n"
	"int loads(void) { return near_var + out_var + hidden_var++; }\n"
	"int calls(int x) { return near_func(x) + out_func(x) + 1; }\n"
	"int tail(int x) { return out_func(x + 1); }\n"
	"int tail_near(int x) { return near_func(x + 2); }\n"
	"void takes(void) { pointer = near_func; }\n"
	"int compares(int (*p)(int)) { return p == near_func ? 1 : p == out_func ? 2 : 3; }\n"
	"int tests(long x) { return ((long)&near_var & x) != 0; }\n"
	"long adds(long x) { return x + (long)&near_var; }\n"
	"long subs(long x) { return (x ^ (long)&near_var) - (long)&near_func; }\n"
	"void stores(void) { near_var = 0x11223344; *(short *)&hidden_var = 0x5566; }\n"
	"int tls(void) { return near_tls + hidden_tls + out_tls + hidden_tls2++; }\n"
	"int *tls_address(void) { return &hidden_tls2; }\n"
	"int *tls_near_address(void) { return &near_tls; }\n";

static const char other_source[] =
	"int out_var = 8; int out_func(int x) { return x + 2; } __thread int out_tls = 4;\n";

static const char main_source[] =
	"int calls(int), tls(void); int main(void) { return calls(1) + tls(); }\n";

/* Forms that compilers rarely choose. */
static const char forms_source[] =
	".section .text.forms, \"ax\", @progbits\n.globl forms\n.type forms, @function\nforms:\n"
	"test %rax, near_var@GOTPCREL(%rip)\ntest %eax, near_var@GOTPCREL(%rip)\n"
	"test %r13, near_var@GOTPCREL(%rip)\ntest %r9d, near_var@GOTPCREL(%rip)\n"
	"add near_var@GOTPCREL(%rip), %r10\nor near_var@GOTPCREL(%rip), %rbx\n"
	"adc near_var@GOTPCREL(%rip), %ecx\nsbb near_var@GOTPCREL(%rip), %r8d\n"
	"and near_var@GOTPCREL(%rip), %rsp\nsub near_var@GOTPCREL(%rip), %r12\n"
	"xor near_var@GOTPCREL(%rip), %rdi\ncmp near_var@GOTPCREL(%rip), %r15\n"
	"movl near_var@GOTPCREL(%rip), %ecx\nmovl near_var@GOTPCREL(%rip), %r9d\n"
	"mov near_var@GOTPCREL(%rip), %r15\nmov near_var@GOTPCREL(%rip), %rbp\n"
	"call *near_func@GOTPCREL(%rip)\njmp *near_func@GOTPCREL(%rip)\n"
	"call *out_func@GOTPCREL(%rip)\n"
	"add near_tls@gottpoff(%rip), %rax\nadd near_tls@gottpoff(%rip), %r12\n"
	"add near_tls@gottpoff(%rip), %rsp\nadd near_tls@gottpoff(%rip), %r9\n"
	"mov near_tls@gottpoff(%rip), %r11\nmov near_tls@gottpoff(%rip), %rdx\n"
	"lea near_tls@tlsdesc(%rip), %rax\ncall *near_tls@tlscall(%rax)\n"
	"mov near_tls@dtpoff, %rax\nret\n.size forms, . - forms\n"
	".section .note.GNU-stack, \"\", @progbits\n";

static void write_text(const char *name, const char *text)
{
	char path[400];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static bool run(const char *fmt, ...)
{
	char command[2000], text[1200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(command, sizeof(command), "cd '%s' && { %s ; } >log 2>&1", folder, text);
	return system(command) == 0;
}

/* ---- one object against one linked file ---------------------------------------------------- */

struct tally {
	size_t plain;
	size_t relaxed;
};

static const struct elffile *object, *linked;
static uint64_t tls_start, tls_end; /* the linked file's segment, end rounded to its alignment */

static void find_tls(void)
{
	const Elf64_Phdr *headers = (const Elf64_Phdr *)(linked->data + linked->header->e_phoff);

	tls_start = tls_end = 0;
	for (size_t i = 0; i < linked->header->e_phnum; i++)
		if (headers[i].p_type == PT_TLS) {
			uint64_t align = headers[i].p_align ? headers[i].p_align : 1;

			tls_start = headers[i].p_vaddr;
			tls_end = tls_start + ((headers[i].p_memsz + align - 1) & ~(align - 1));
		}
}

/* The linked address of a symbol of the object: by name, sections by what was found for them. */
static bool linked_address(const Elf64_Sym *symbol, const char *name, uint64_t *address)
{
	const Elf64_Sym *found = *name ? elffile_symbol(linked, name) : NULL;

	(void)symbol;
	if (!found || found->st_shndx == SHN_UNDEF)
		return false;
	*address = found->st_value;
	return true;
}

static bool is_executable;

static void check_value(const char *where, const char *name, const Elf64_Sym *symbol,
			const Elf64_Rela *rela, const struct arch_reloc_match *match)
{
	uint64_t address;

	if (!linked_address(symbol, name, &address))
		return;
	switch (match->form) {
	case ARCH_RELOC_PC:
	case ARCH_RELOC_ABSOLUTE:
		if (match->value != address)
			fail_msg("%s: %s is at %#lx, matched %#lx", where, name,
				 (unsigned long)address, (unsigned long)match->value);
		break;
	case ARCH_RELOC_CALL:
		/* Through a PLT in a shared object. */
		if (is_executable && match->value != address)
			fail_msg("%s: call of %s at %#lx, matched %#lx", where, name,
				 (unsigned long)address, (unsigned long)match->value);
		break;
	case ARCH_RELOC_TP_OFFSET:
		if (match->value != tls_start + address - tls_end)
			fail_msg("%s: %s is at tp%+ld, matched %+ld", where, name,
				 (long)(tls_start + address - tls_end), (long)match->value);
		break;
	case ARCH_RELOC_TLS_OFFSET:
		if (match->value != address)
			fail_msg("%s: %s is at +%ld, matched %+ld", where, name, (long)address,
				 (long)match->value);
		break;
	default: { /* a slot: somewhere in the file's data, 8-byte aligned */
		if (match->form != ARCH_RELOC_NONE && match->form != ARCH_RELOC_TLS_DESC_CALL &&
		    (match->value % 8 || !elffile_at(linked, match->value, NULL)))
			fail_msg("%s: %s: slot at %#lx", where, name, (unsigned long)match->value);
	}
	}
	(void)rela;
}

/*
 * One function's section: all relocations match, and the bytes that they don't explain are the
 * object's own.
 */
static void check_section(const char *what, const Elf64_Shdr *section, const Elf64_Shdr *relas,
			  const char *function, struct tally *tally)
{
	const Elf64_Rela *rela = (const Elf64_Rela *)(object->data + relas->sh_offset);
	const uint8_t *code = object->data + section->sh_offset;
	const Elf64_Sym *place = elffile_symbol(linked, function), *symbols;
	size_t size = section->sh_size, count = 0, covered_to = 0;
	const uint8_t *now;
	const char *names = "";
	uint8_t explained[512] = {0};

	if (!place)
		return;
	assert_true(size <= sizeof(explained));
	symbols = elffile_symbols(object, &count, &names);
	now = elffile_at(linked, place->st_value, NULL);
	assert_non_null(now);
	for (size_t i = 0; i < relas->sh_size / sizeof(*rela); i++) {
		const Elf64_Sym *symbol = &symbols[ELF64_R_SYM(rela[i].r_info)];
		uint32_t type = (uint32_t)ELF64_R_TYPE(rela[i].r_info);
		struct arch_reloc_info info;
		struct arch_reloc_match match;
		enum arch_reason reason;
		char where[300];

		assert_int_equal(arch_native()->reloc_info(type, &info), ARCH_OK);
		snprintf(where, sizeof(where), "%s: %s+%#lx %s", what, function,
			 (unsigned long)rela[i].r_offset, info.name);
		/* The call of __tls_get_addr that a rewritten sequence has swallowed. */
		if (rela[i].r_offset < covered_to)
			continue;
		reason = arch_native()->reloc_match(type, rela[i].r_addend, code, now, size,
						    rela[i].r_offset, place->st_value, &match);
		if (reason != ARCH_OK)
			fail_msg("%s: %s", where, arch_reason_text(reason));
		covered_to = match.end;
		memset(explained + match.start, 1, match.end - match.start);
		check_value(where, names + symbol->st_name, symbol, &rela[i], &match);
		if (match.form == info.form && match.end - match.start == info.size)
			tally->plain++;
		else
			tally->relaxed++;
	}
	for (size_t i = 0; i < size; i++)
		if (!explained[i] && code[i] != now[i])
			fail_msg("%s: %s+%#zx: %02x became %02x, unexplained", what, function, i,
				 code[i], now[i]);
}

static void check_files(const char *what, const char *object_name, const char *linked_name,
			struct tally *tally)
{
	struct elffile object_file, linked_file;
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", folder, object_name);
	assert_true(elffile_open(&object_file, path));
	snprintf(path, sizeof(path), "%s/%s", folder, linked_name);
	assert_true(elffile_open(&linked_file, path));
	object = &object_file;
	linked = &linked_file;
	find_tls();
	for (size_t i = 1; i < object->header->e_shnum; i++) {
		const Elf64_Shdr *relas = &object->sections[i];
		const char *name = elffile_section_name(object, i);

		if (relas->sh_type == SHT_RELA && strncmp(name, ".rela.text.", 11) == 0)
			check_section(what, &object->sections[relas->sh_info], relas, name + 11,
				      tally);
	}
	elffile_close(&object_file);
	elffile_close(&linked_file);
}

/* ---- all the ways ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *compile;
	const char *link;
	bool executable;
} ways[] = {
	{"fixed address", "-fno-pie", "-no-pie", true},
	{"fixed address, static", "-fno-pie", "-no-pie -static", true},
	{"PIE", "-fPIE", "-pie", true},
	{"PIE of PIC code", "-fPIC", "-pie", true},
	{"PIE, no PLT", "-fPIC -fno-plt", "-pie", true},
	{"fixed address of PIC code", "-fPIC -fno-plt", "-no-pie", true},
	{"fixed address, no relaxation", "-fPIC -fno-plt", "-no-pie -Wl,--no-relax", true},
	{"PIE, descriptors", "-fPIC -mtls-dialect=gnu2", "-pie", true},
	{"PIE, everything else in a library", "-fPIC -fno-plt", "-pie -L. -lother -Wl,-rpath,.",
	 true},
	{"PIE, descriptors, library", "-fPIC -mtls-dialect=gnu2", "-pie -L. -lother -Wl,-rpath,.",
	 true},
	{"shared", "-fPIC", "-shared", false},
	{"shared, no PLT", "-fPIC -fno-plt", "-shared", false},
	{"shared, descriptors", "-fPIC -mtls-dialect=gnu2", "-shared", false},
	{"shared, hidden", "-fPIC -fno-plt -fvisibility=hidden", "-shared", false},
	{"shared, initial exec", "-fPIC -ftls-model=initial-exec", "-shared", false},
};

static const char *const levels[] = {"-O2", "-O0 -fcf-protection"};

enum { WAYS = sizeof(ways) / sizeof(ways[0]), LEVELS = sizeof(levels) / sizeof(levels[0]) };

/* Objects are the same for every linker: module-WAY-LEVEL.o and other-WAY-LEVEL.o. */
static void compile_all(void)
{
	assert_true(run("gcc -c -fPIC -o main.o main.c && gcc -c -o forms.o forms.s"));
	for (size_t i = 0; i < WAYS; i++)
		for (size_t k = 0; k < LEVELS; k++)
			assert_true(run("gcc %s %s -fno-inline -ffunction-sections -c -o "
					"module-%zu-%zu.o module.c && "
					"gcc %s -c -o other-%zu-%zu.o other.c",
					levels[k], ways[i].compile, i, k, ways[i].compile, i, k));
}

static void try_linker(const char *linker)
{
	struct tally tally = {0};
	size_t linked_ways = 0;

	if (!run("gcc -fuse-ld=%s -fPIC -shared -o libother.so other.c", linker)) {
		print_message("%s: not here\n", linker);
		return;
	}
	for (size_t i = 0; i < WAYS; i++) {
		for (size_t k = 0; k < LEVELS; k++) {
			bool uses_library = strstr(ways[i].link, "-lother") != NULL;
			char what[200], module[64], other[64];

			is_executable = ways[i].executable && !uses_library;
			snprintf(what, sizeof(what), "%s, %s %s", linker, ways[i].name, levels[k]);
			snprintf(module, sizeof(module), "module-%zu-%zu.o", i, k);
			snprintf(other, sizeof(other), "other-%zu-%zu.o", i, k);
			if (!run("gcc -fuse-ld=%s -o linked %s forms.o %s main.o %s", linker,
				 module, uses_library ? "" : other, ways[i].link))
				continue;
			linked_ways++;
			check_files(what, module, "linked", &tally);
			check_files(what, "forms.o", "linked", &tally);
		}
	}
	print_message("%s: %zu links, %zu relocations as they were, %zu relaxed\n", linker,
		      linked_ways, tally.plain, tally.relaxed);
	assert_true(linked_ways >= WAYS);
	assert_true(tally.plain > 0 && tally.relaxed > 0);
}

static void bfd_is_understood(void **state)
{
	(void)state;
	try_linker("bfd");
}

static void gold_is_understood(void **state)
{
	(void)state;
	try_linker("gold");
}

static void lld_is_understood(void **state)
{
	(void)state;
	try_linker("lld");
}

static void mold_is_understood(void **state)
{
	(void)state;
	try_linker("mold");
}

static int setup(void **state)
{
	(void)state;
	test_folder_make(folder, sizeof(folder));
	write_text("module.c", module_source);
	write_text("other.c", other_source);
	write_text("forms.s", forms_source);
	write_text("main.c", main_source);
	compile_all();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (!getenv("SUTURE_KEEP"))
		test_folder_remove(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bfd_is_understood),
		cmocka_unit_test(gold_is_understood),
		cmocka_unit_test(lld_is_understood),
		cmocka_unit_test(mold_is_understood),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
