/* SPDX-License-Identifier: MIT */
/* Bytes with a file descriptor beside them (SCM_RIGHTS) on a stream socket of the local machine. */
#ifndef RPC_DESCRIPTOR_H
#define RPC_DESCRIPTOR_H

#include <stddef.h>
#include <sys/types.h>

/*
 * send() without SIGPIPE; passed >= 0 travels with the first byte. Returns as send() does: the
 * descriptor is gone as soon as one byte is.
 */
ssize_t rpc_send(int socket, const void *data, size_t size, int passed, int flags);

/*
 * recv(). A descriptor that came along is put in *passed (close-on-exec, the caller's) if that is
 * negative; every other one is closed.
 */
ssize_t rpc_receive(int socket, void *data, size_t size, int *passed, int flags);

#endif
