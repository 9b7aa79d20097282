/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that we keep in a process that is not ours. Programs count on getting the lowest
 * numbers, and many close whatever is open when they start (closefrom(3)): kept descriptors lie
 * above those that programs use, so that a number of ours is not soon somebody else's; and who
 * keeps a socket can tell whether it is still his. Any thread; async-signal-safe.
 */
#ifndef BASE_DESCRIPTOR_H
#define BASE_DESCRIPTOR_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Takes fd over: returns the same file under a high number, close-on-exec, or fd itself where there
 * is none free. Negative numbers are returned as they are.
 */
int descriptor_set_apart(int fd);

/* The number of a socket that no other socket has, or 0. */
ino_t descriptor_socket(int fd);

#endif
