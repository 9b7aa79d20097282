/*
 * Command: from a line of text to the answer. Only the network thread calls this.
 */
#ifndef ARENA_COMMAND_H
#define ARENA_COMMAND_H

struct conn;
struct player;
struct reply;
struct world;

struct request {
	struct world *world;
	struct conn *conn;
	struct player *player; /* NULL before join */
	int words;             /* the command's own word included */
	char **word;
	struct reply *reply;
};

/* Says hello to a new client. */
void command_greet(struct world *world, struct conn *conn);

/* Answers one line; NULL stands for one that was too long. */
void command_answer(struct world *world, struct conn *conn, char *line);

/* Takes the player of a connection that ends out of the game. */
void command_leave(struct conn *conn);

/* Answers "err CODE TEXT", with a text that a person understands. */
void command_refuse(struct request *request, const char *code);

#endif
