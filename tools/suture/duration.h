/* SPDX-License-Identifier: MIT */
/* Times as people type and read them. */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H

#include <suture/error.h>

#include <stddef.h>
#include <stdint.h>

enum { DURATION_TEXT_SIZE = 24 };

/*
 * "5ms", "10s", "2m", "1.5s", "250us", "1h": a number and a unit, at most 24 h, never zero. what
 * names it in the message ("--timeout").
 */
int duration_parse(const char *text, const char *what, uint64_t *us, struct suture_error *err);

/* "85 us", "1.2 ms", "10 ms", "3.5 s", "12 min". */
void duration_format(uint64_t us, char text[DURATION_TEXT_SIZE]);

#endif
