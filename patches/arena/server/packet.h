/*
 * Packets: what one server tells its successor, over a Unix socket that keeps packets whole. A
 * packet is a line of text, raw bytes behind it, and perhaps a descriptor.
 */
#ifndef ARENA_PACKET_H
#define ARENA_PACKET_H

#include <stdbool.h>
#include <stddef.h>

enum { PACKET_MAX = 32768 };

struct packet {
	size_t text_length; /* of the line, its newline included */
	size_t length;      /* of all */
	int fd;             /* -1: none. The receiver's to close. */
	char bytes[PACKET_MAX + 1];
};

/* Sends a line (without its newline) with raw bytes and a descriptor. False: nobody took it. */
bool packet_send(int socket, const char *line, const void *raw, size_t length, int fd);

/*
 * False when there is none: an end, a timeout or something that is no packet. packet->bytes is then
 * text that ends in NUL at the newline, and the raw bytes are behind it.
 */
bool packet_receive(int socket, struct packet *packet);

/* True if the line starts with the word. */
bool packet_is(const struct packet *packet, const char *word);

const char *packet_raw(const struct packet *packet, size_t *length);

#endif
