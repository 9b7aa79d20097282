/*
 * Saved state: rooms and players as text that another build of the server can read. Fields have
 * names: one that a reader doesn't know is passed over, one that is missing has its default. So
 * the text does not depend on how the structures are laid out, which is what such a change is
 * about.
 */
#ifndef ARENA_SAVED_H
#define ARENA_SAVED_H

#include <stdbool.h>

struct conn;
struct player;
struct reply;
struct room;
struct world;

/* " NAME=NUMBER" of text, or what is given where there is none. */
long long saved_number(const char *text, const char *name, long long otherwise);

void saved_write_world(const struct world *world, struct reply *text);
void saved_read_world(struct world *world, const char *text);

/* No thread ticks the room. */
void saved_write_room(const struct room *room, struct reply *text);
bool saved_read_room(struct world *world, const char *text); /* false: there is no such room */

/* NULL when there is no memory or the text is no player's; it is in its room then, and has conn. */
void saved_write_player(const struct player *player, struct reply *text);
struct player *saved_read_player(struct world *world, const char *text, struct conn *conn);

#endif
