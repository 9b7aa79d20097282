/* SPDX-License-Identifier: MIT */
/* Opens Capstone for x86-64 with details on. */
#ifndef ARCH_X86_64_CAPSTONE_PARTS_H
#define ARCH_X86_64_CAPSTONE_PARTS_H

#include <capstone/capstone.h>
#include <stdbool.h>

/* The caller closes *handle with cs_close(). */
bool x86_capstone_open(csh *handle);

#endif
