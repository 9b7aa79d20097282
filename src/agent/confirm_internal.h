/* SPDX-License-Identifier: MIT */
/* What confirm.c and unconfirmed.c share; nobody else includes this. */
#ifndef AGENT_CONFIRM_INTERNAL_H
#define AGENT_CONFIRM_INTERNAL_H

#include "agent/confirm.h"

/* CLOCK_MONOTONIC. */
uint64_t confirm_now_us(void);

/* Neither confirmed nor gone, as far as the timer knows. */
bool confirm_is_open(const struct confirm *confirm);

/* Of those that are open only these count: it may have been reverted by hand, or replaced. */
bool confirm_in_force(const struct confirm *confirm);

#endif
