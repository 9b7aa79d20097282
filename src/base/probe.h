/* SPDX-License-Identifier: MIT */
/*
 * Static probes (USDT) of provider "suture", for perf, bpftrace and SystemTap: an instruction that
 * does nothing, and a note of where it is. Without sys/sdt.h at build there are none.
 * docs/OPERATING.md lists them; their names and arguments are kept. May stand in code of any phase.
 */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define probe2(name, a, b)    DTRACE_PROBE2(suture, name, a, b)
#define probe3(name, a, b, c) DTRACE_PROBE3(suture, name, a, b, c)
#else
#define probe2(name, a, b)    ((void)(a), (void)(b))
#define probe3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

#endif
