/* SPDX-License-Identifier: MIT */
/*
 * The first seconds with an installed patch. Should the process crash in them, that is remembered
 * (patch/trial.h); what was followed by a crash twice is not applied by itself any more.
 *
 * A crash is a signal of a fault or of abort(), noticed by a handler where the program leaves the
 * default action. It ends the process as it would have without us, core dump and all. An end by
 * SIGKILL, SIGTERM, exit() or a loss of power is none. A child of a fork() counts only when the
 * process is gone, which is how servers go into the background.
 *
 * What is not marked otherwise belongs to the worker.
 */
#ifndef AGENT_PROBATION_H
#define AGENT_PROBATION_H

#include "base/hash.h"

#include <stdbool.h>

enum { PROBATION_SECONDS = 10 };

/* False when it is to be left out. Otherwise the process is on probation with it from now on. */
bool probation_admit(const uint8_t hash[HASH_SIZE]);

/* It was not applied after all: what follows is not its fault. */
void probation_release(const uint8_t hash[HASH_SIZE]);

/* All are applied: the seconds begin. */
void probation_begin(void);

/* When they end (us of CLOCK_MONOTONIC), UINT64_MAX where nobody is on probation. Any thread. */
uint64_t probation_due(void);

/* Notes that they are over, if they are: the process has survived. Any thread. */
void probation_end(void);

#endif
