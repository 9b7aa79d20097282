/* SPDX-License-Identifier: MIT */
/* cmocka with the headers that it wants to see first. */
#ifndef TESTS_UNWIND_TESTS_H
#define TESTS_UNWIND_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the ones above */
#include <cmocka.h>

#endif
