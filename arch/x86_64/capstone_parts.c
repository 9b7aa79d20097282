/* SPDX-License-Identifier: MIT */
/*
 * Capstone with its x86 parts alone. libcapstone.a's cs.o names the entry points of all eleven
 * processors in a table; defining the others here keeps the linker from pulling their objects out
 * of the archive, which would add 77,000 relocations to the agent's start. They refuse.
 */
#include "arch/x86_64/capstone_parts.h"

#define CAPSTONE_ABSENT(processor)                                               \
	cs_err processor##_global_init(void *handle);                            \
	cs_err processor##_option(void *handle, cs_opt_type type, size_t value); \
	cs_err processor##_global_init(void *handle)                             \
	{                                                                        \
		(void)handle;                                                    \
		return CS_ERR_ARCH;                                              \
	}                                                                        \
	cs_err processor##_option(void *handle, cs_opt_type type, size_t value)  \
	{                                                                        \
		(void)handle;                                                    \
		(void)type;                                                      \
		(void)value;                                                     \
		return CS_ERR_ARCH;                                              \
	}

CAPSTONE_ABSENT(AArch64)
CAPSTONE_ABSENT(ARM)
CAPSTONE_ABSENT(EVM)
CAPSTONE_ABSENT(M680X)
CAPSTONE_ABSENT(M68K)
CAPSTONE_ABSENT(Mips)
CAPSTONE_ABSENT(PPC)
CAPSTONE_ABSENT(Sparc)
CAPSTONE_ABSENT(SystemZ)
CAPSTONE_ABSENT(TMS320C64x)
CAPSTONE_ABSENT(XCore)

bool x86_capstone_open(csh *handle)
{
	if (cs_open(CS_ARCH_X86, CS_MODE_64, handle) != CS_ERR_OK)
		return false;
	if (cs_option(*handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK)
		return true;
	cs_close(handle);
	return false;
}
