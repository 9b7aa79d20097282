/*
 * Options: the command line of arena-bots.
 */
#ifndef ARENA_BOTS_OPTIONS_H
#define ARENA_BOTS_OPTIONS_H

#include <string>

enum class Mode { Play, Probe, Stats, Help };

/* The exit codes of every mode. */
enum ExitCode {
	EXIT_FINE = 0, /* played well; bug present */
	EXIT_BAD = 1,  /* wrong answers or lost players; bug gone */
	EXIT_USAGE = 2,
	EXIT_NO_SERVER = 3, /* no server, or no verdict */
};

struct Options {
	Mode mode = Mode::Play;
	std::string probe; /* what to probe */
	int room = -1;     /* where; -1: anywhere */
	int port = 7777;
	int bots = 30;
	double seconds = 10; /* 0: until SIGINT or SIGTERM */
	unsigned pace_ms = 100;
	std::string prefix = "bot";
	std::string json; /* files; empty for none, - for stdout */
	std::string status;
	std::string exploit;
	bool quiet = false;
	bool reset = false;
};

extern const char options_help[];

/* Throws std::invalid_argument. */
Options options_parse(int argc, char **argv);

#endif
