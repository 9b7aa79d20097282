/*
 * Options: what the command line of arena-server may set. See options.c for the meanings.
 */
#ifndef ARENA_OPTIONS_H
#define ARENA_OPTIONS_H

#include <stdbool.h>

struct options {
	int port;              /* 0: any free one */
	const char *port_file; /* NULL: none */
	const char *handover;  /* where a successor finds us, or NULL */
	const char *take_over; /* where to find whom we succeed, or NULL */
	int rooms;
	int threads;
	int tick_hz;
	int match_seconds; /* 0: one match for ever */
	bool verbose;
};

enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_WRONG };

/* Prints the help, or what was wrong with the arguments, itself. */
enum options_result options_parse(struct options *options, int argc, char **argv);

#endif
