/* SPDX-License-Identifier: MIT */
/* Thread-local storage without naming the loader's library. */
#ifndef AGENT_TLS_H
#define AGENT_TLS_H

/* First of all in the agent's constructor. */
void tls_begin(void);

#endif
