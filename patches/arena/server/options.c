/*
 * Options: reads the command line. Numbers are checked against limits here, so that nobody else
 * has to doubt them.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>

#include "player.h"
#include "protocol.h"
#include "room.h"

static const char options_help[] =
        "usage: arena-server [OPTION]...\n"
        "  --port N        listen on 127.0.0.1:N (default 7777; 0 picks a free port)\n"
        "  --port-file F   write the port to F once the server listens\n"
        "  --handover P    let a successor take over, by the socket P\n"
        "  --take-over P   take over from the server with that --handover, its players included\n"
        "  --rooms N       rooms, 1 to 64 (default 4)\n"
        "  --threads N     threads that tick the rooms, 1 to 64 (default 2)\n"
        "  --tick-hz N     ticks a second, 1 to 1000 (default 20)\n"
        "  --match-seconds N  how long a match lasts (default 0: for ever)\n"
        "  --start-coin N  what a new player owns (default 100)\n"
        "  --verbose       log what players do\n"
        "  --help          this text\n";

enum options_result options_parse(struct options *options, int argc, char **argv)
{
	enum {
		PORT = 1,
		PORT_FILE,
		HANDOVER,
		TAKE_OVER,
		ROOMS,
		THREADS,
		TICK_HZ,
		MATCH_SECONDS,
		START_COIN,
		VERBOSE,
		HELP
	};
	static const struct option known[] = {
	        {"port", required_argument, NULL, PORT},
	        {"port-file", required_argument, NULL, PORT_FILE},
	        {"handover", required_argument, NULL, HANDOVER},
	        {"take-over", required_argument, NULL, TAKE_OVER},
	        {"rooms", required_argument, NULL, ROOMS},
	        {"threads", required_argument, NULL, THREADS},
	        {"tick-hz", required_argument, NULL, TICK_HZ},
	        {"match-seconds", required_argument, NULL, MATCH_SECONDS},
	        {"start-coin", required_argument, NULL, START_COIN},
	        {"verbose", no_argument, NULL, VERBOSE},
	        {"help", no_argument, NULL, HELP},
	        {NULL, 0, NULL, 0},
	};
	bool fine = true;
	int which;

	*options = (struct options){.port = 7777, .rooms = 4, .threads = 2, .tick_hz = 20};
	while (fine && (which = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (which) {
		case PORT:
			fine = protocol_number(optarg, 0, 65535, &options->port);
			break;
		case PORT_FILE:
			options->port_file = optarg;
			break;
		case HANDOVER:
			options->handover = optarg;
			break;
		case TAKE_OVER:
			options->take_over = optarg;
			break;
		case ROOMS:
			fine = protocol_number(optarg, 1, ROOMS_MAX, &options->rooms);
			break;
		case THREADS:
			fine = protocol_number(optarg, 1, ROOMS_MAX, &options->threads);
			break;
		case TICK_HZ:
			fine = protocol_number(optarg, 1, 1000, &options->tick_hz);
			break;
		case MATCH_SECONDS:
			fine = protocol_number(optarg, 0, 86400, &options->match_seconds);
			break;
		case START_COIN:
			fine = protocol_number(optarg, 0, 1000000, &player_start_coin);
			break;
		case VERBOSE:
			options->verbose = true;
			break;
		case HELP:
			fputs(options_help, stdout);
			return OPTIONS_HELP;
		default:
			return OPTIONS_WRONG;
		}
	}
	if (!fine || optind != argc) {
		fprintf(stderr, "arena-server: %s: not a value that is allowed here\n",
		        fine ? argv[optind] : optarg);
		return OPTIONS_WRONG;
	}
	return OPTIONS_RUN;
}
