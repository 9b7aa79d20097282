/* SPDX-License-Identifier: MIT */
/* Code that jumps to the address in a slot. Any thread. */
#include "arch/x86_64/stub.h"

#include "arch/x86_64/elfreloc.h"
#include "arch/x86_64/insn.h"

#include <string.h>

void x86_import_stub(struct arch_stub *out)
{
	/* endbr64; jmp *slot(%rip); int3; int3 … */
	static const uint8_t code[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0,	 0,
				       0,    0,	   0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};

	_Static_assert(sizeof(code) == sizeof(out->code), "a stub is 16 bytes");
	memset(out, 0, sizeof(*out));
	memcpy(out->code, code, sizeof(code));
	out->size = sizeof(code);
	out->reloc_offset = 6;
	out->reloc_type = X86_PC32;
	out->addend = -4;
}

/*
 * The forms of a PLT entry: an optional endbr64, mold's mov $n, %r11d (a scratch register, for the
 * lazy half), an optional bnd prefix, jmp *slot(%rip). The lazy half of an IBT PLT (endbr64;
 * push $n; jmp PLT0) does not go through a slot: false.
 */
bool x86_plt_slot(const uint8_t *code, size_t size, uint64_t address, uint64_t *slot)
{
	enum { INDEX_SIZE = 6 };
	size_t at = x86_entry_mark_size(code, size);

	if (size >= at + INDEX_SIZE && code[at] == 0x41 && code[at + 1] == 0xbb)
		at += INDEX_SIZE;
	if (at < size && code[at] == 0xf2) /* bnd */
		at++;
	if (size < at + 6 || code[at] != 0xff || code[at + 1] != 0x25) /* jmp *disp32(%rip) */
		return false;
	*slot = address + at + 6 + (uint64_t)x86_read_s32(code + at + 2);
	return true;
}
