/* SPDX-License-Identifier: MIT */
/*
 * Modules that were unloaded with patches in them. Nothing at their addresses is touched any more;
 * what such a patch has changed elsewhere is taken back, without its hooks, which could not know;
 * then it waits for the module to come back, and so do patches that are built on it.
 *
 * Threads: the worker, between transactions.
 */
#ifndef AGENT_GONE_H
#define AGENT_GONE_H

#include "agent/agent.h"

/* An error says what could not be taken back yet (threads inside it): try again later. */
int gone_settle(struct agent *agent, struct suture_error *err);

#endif
