/* SPDX-License-Identifier: MIT */
/*
 * What happened here: one record per action, who asked for it and what came of it. The last
 * EVENT_RING are kept; each is also written as one line of JSON to the file that SUTURE_EVENTS
 * names, if any; and all that ever were are counted by action and result.
 *
 * Whoever does something that an operator will ask about later calls events_add(): one call, any
 * thread that may lock and write files (not while threads are stopped). The server's own thread
 * must never wait for a disk: it calls events_keep(), and the worker writes the line soon
 * (events_are_owed(), events_write()). Neither can fail; where the file can't be written, that is
 * counted.
 */
#ifndef AGENT_EVENTS_H
#define AGENT_EVENTS_H

#include "agent/peer.h"

#include <json-c/json.h>
#include <pthread.h>
#include <stdint.h>
#include <suture/error.h>
#include <time.h>

enum {
	EVENT_RING = 256,
	EVENT_WHAT_SIZE = 24,
	EVENT_NAME_SIZE = 65,
	EVENT_HASH_SIZE = 65,
	EVENT_COMMAND_SIZE = 256,
	EVENT_TEXT_SIZE = 256,
	EVENT_TALLIES = 96, /* pairs of action and result; more are counted as "other" */
};

/* Who asked. Taken when a request begins: its sender may be gone when it ends. */
struct event_actor {
	bool known; /* false: the agent by itself */
	uid_t uid;
	pid_t pid;			  /* as seen from here */
	char command[EVENT_COMMAND_SIZE]; /* its command line; what it says of itself, no proof */
};

/* What events_add() is told; all texts are borrowed for the call. */
struct event_note {
	const char *what;		/* the action: "apply", "confirm", … ([a-z_]+) */
	const struct event_actor *who;	/* NULL: the agent by itself */
	const char *name;		/* of the patch, or NULL */
	const char *hash;		/* of the patch, or NULL */
	const struct suture_error *err; /* NULL: it worked */
	bool unchanged;			/* it worked, since it was so already */
	const char *text;		/* more, for people, or NULL: then the error's message */
	uint64_t pause_us;
};

struct event {
	uint64_t seq;	    /* from 1 */
	struct timespec at; /* CLOCK_REALTIME */
	char what[EVENT_WHAT_SIZE];
	char result[32]; /* "done", "unchanged" or the name of an error */
	struct event_actor who;
	char name[EVENT_NAME_SIZE];
	char hash[EVENT_HASH_SIZE];
	char text[EVENT_TEXT_SIZE];
	uint64_t pause_us;
};

struct event_tally {
	char what[EVENT_WHAT_SIZE];
	char result[32];
	uint64_t count;
};

struct events {
	pthread_mutex_t file_lock;     /* taken first: the file's lines are in order */
	pthread_mutex_t lock;	       /* guards all below, for moments */
	struct event ring[EVENT_RING]; /* the one of seq is at seq % EVENT_RING */
	uint64_t next;		       /* seq of the next */
	struct event_tally tallies[EVENT_TALLIES];
	size_t tally_count;
	uint64_t written;   /* seq of the first that the file has not been offered yet */
	uint64_t unwritten; /* lines that the file did not take */
	char *path;	    /* of the file, or NULL; never changes */
};

/* path: of the file, or NULL. Copied. */
void events_init(struct events *events, const char *path);
void events_fini(struct events *events);

/* In the child of a fork(), where another thread may have held the lock. */
void events_adopt(struct events *events);

/* Reads the sender's command line from /proc. */
void event_actor_take(const struct peer *peer, struct event_actor *who);

/*
 * Its name alone. A command line lies in the sender's memory, and who may do nothing could have the
 * reader wait there for ever (a page of a file system of its own).
 */
void event_actor_take_name(const struct peer *peer, struct event_actor *who);

/* Keeps it, and writes what the file has not had yet. */
void events_add(struct events *events, const struct event_note *note);

/* Keeps it, without waiting; its line is owed to the file. */
void events_keep(struct events *events, const struct event_note *note);
bool events_are_owed(struct events *events);
void events_write(struct events *events);

/*
 * {"pid","next","lost","unwritten","events":[…]}: those from seq `since` on, oldest first, at most
 * the last `limit`. "lost" counts those that were asked for and are no longer kept. NULL without
 * memory.
 */
struct json_object *events_answer(struct events *events, uint64_t since, uint64_t limit);

/* Lines that the file did not take. */
uint64_t events_unwritten(struct events *events);

/* [{"action","result","count"}]. NULL without memory. */
struct json_object *events_tallies(struct events *events);

#endif
