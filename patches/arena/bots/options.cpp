/*
 * Options: reads the command line.
 */
#include "options.h"

#include <cerrno>
#include <cstdlib>
#include <getopt.h>
#include <stdexcept>

const char options_help[] =
        "usage: arena-bots [play] [OPTION]...     play, and check every answer\n"
        "       arena-bots probe NAME [OPTION]... say whether a bug is there right now\n"
        "       arena-bots stats [--reset]        print the server's figures as JSON\n"
        "\n"
        "  --port N       the server's port (default 7777)\n"
        "  --json FILE    write the result as JSON; - is stdout\n"
        "  --room N       of probe: in this room\n"
        "  --bots N       players (default 30)\n"
        "  --seconds S    how long; 0 is until SIGINT or SIGTERM (default 10)\n"
        "  --pace-ms N    how long a player thinks, on average (default 100)\n"
        "  --prefix WORD  how the players' names start (default bot)\n"
        "  --status FILE  rewrite a small JSON file eight times a second\n"
        "  --exploit NAME one more player, who tries this bug twice a second\n"
        "  --quiet        no summary\n"
        "  --reset        make the server forget its longest tick gap, after showing it\n"
        "\n"
        "NAME is coin-dup, pathing, trade-limit or leaderboard-ties.\n"
        "SIGUSR1 starts the figures \"since reset\" again, here and in the server.\n"
        "Exit code of play: 0 fine, 1 wrong answers or lost players; of probe: 0 bug present,\n"
        "1 bug gone; of all: 2 usage, 3 no server or no verdict.\n";

static double options_number(const char *text, double least, double most)
{
	char *end;

	errno = 0;
	double number = strtod(text, &end);
	if (errno || end == text || *end || !(number >= least && number <= most))
		throw std::invalid_argument(std::string(text) +
		                            ": not a number that is allowed here");
	return number;
}

Options options_parse(int argc, char **argv)
{
	enum {
		PORT = 1,
		ROOM,
		JSON,
		BOTS,
		SECONDS,
		PACE,
		PREFIX,
		STATUS,
		EXPLOIT,
		QUIET,
		RESET,
		HELP
	};
	static const struct option known[] = {
	        {"port", required_argument, nullptr, PORT},
	        {"room", required_argument, nullptr, ROOM},
	        {"json", required_argument, nullptr, JSON},
	        {"bots", required_argument, nullptr, BOTS},
	        {"seconds", required_argument, nullptr, SECONDS},
	        {"pace-ms", required_argument, nullptr, PACE},
	        {"prefix", required_argument, nullptr, PREFIX},
	        {"status", required_argument, nullptr, STATUS},
	        {"exploit", required_argument, nullptr, EXPLOIT},
	        {"quiet", no_argument, nullptr, QUIET},
	        {"reset", no_argument, nullptr, RESET},
	        {"help", no_argument, nullptr, HELP},
	        {nullptr, 0, nullptr, 0},
	};
	Options options;
	int which;

	while ((which = getopt_long(argc, argv, "", known, nullptr)) != -1) {
		switch (which) {
		case PORT:
			options.port = (int)options_number(optarg, 1, 65535);
			break;
		case ROOM:
			options.room = (int)options_number(optarg, 0, 63);
			break;
		case JSON:
			options.json = optarg;
			break;
		case BOTS:
			options.bots = (int)options_number(optarg, 1, 20000);
			break;
		case SECONDS:
			options.seconds = options_number(optarg, 0, 1e6);
			break;
		case PACE:
			options.pace_ms = (unsigned)options_number(optarg, 0, 60000);
			break;
		case PREFIX:
			options.prefix = optarg;
			break;
		case STATUS:
			options.status = optarg;
			break;
		case EXPLOIT:
			options.exploit = optarg;
			break;
		case QUIET:
			options.quiet = true;
			break;
		case RESET:
			options.reset = true;
			break;
		case HELP:
			options.mode = Mode::Help;
			return options;
		default:
			throw std::invalid_argument("see arena-bots --help");
		}
	}

	/* getopt has moved the words that are no options to the end. */
	std::string mode = optind < argc ? argv[optind++] : "play";

	if (mode == "probe" && optind < argc) {
		options.mode = Mode::Probe;
		options.probe = argv[optind++];
	} else if (mode == "stats") {
		options.mode = Mode::Stats;
	} else if (mode != "play") {
		throw std::invalid_argument(mode + ": what to do with that? see --help");
	}
	if (optind < argc)
		throw std::invalid_argument(std::string(argv[optind]) + ": one word too many");
	if (options.prefix.empty() || options.prefix.size() > 9)
		throw std::invalid_argument("a prefix has 1 to 9 letters");
	return options;
}
