/*
 * arena-bots: players for arena-server who check every answer, measure how long they had to wait,
 * and can tell whether one of the server's bugs is there right now.
 */
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include "exploit.h"
#include "fleet.h"
#include "options.h"
#include "report.h"
#include "session.h"

static volatile int main_stop;
static volatile int main_reset;

static void main_on_signal(int signal)
{
	if (signal == SIGUSR1)
		main_reset = 1;
	else
		main_stop = 1;
}

static void main_catch(int signal)
{
	struct sigaction action = {};

	action.sa_handler = main_on_signal;
	action.sa_flags = SA_RESTART;
	sigaction(signal, &action, nullptr);
}

static bool main_is_exploit(const std::string &name)
{
	for (const std::string &known : Exploit::names()) {
		if (name == known)
			return true;
	}
	return false;
}

static int main_write(const std::string &path, const std::string &text)
{
	if (path.empty() || report_write(path, text))
		return EXIT_FINE;
	fprintf(stderr, "arena-bots: can't write %s\n", path.c_str());
	return EXIT_USAGE;
}

static int main_play(const Options &options)
{
	/* Before the connections: a signal during them ends the run in order, too. */
	for (int signal : {SIGINT, SIGTERM, SIGUSR1})
		main_catch(signal);

	Fleet fleet(options);

	fleet.run(&main_stop, &main_reset);
	if (!options.quiet)
		report_summary(fleet);
	if (main_write(options.json, report_json(fleet)) != EXIT_FINE)
		return EXIT_USAGE;
	return fleet.tally().wrong || fleet.tally().lost ? EXIT_BAD : EXIT_FINE;
}

static int main_probe(const Options &options)
{
	Verdict verdict = Exploit::create(options.probe, options.port, options.room)->attempt();

	if (!options.quiet)
		printf("%s: bug %s (%s)\n", options.probe.c_str(),
		       verdict.present ? "present" : "gone", verdict.detail.c_str());
	if (main_write(options.json, "{\"name\":" + report_quote(options.probe) + ",\"present\":" +
	                                     (verdict.present ? "true" : "false") + ",\"detail\":" +
	                                     report_quote(verdict.detail) + "}") != EXIT_FINE)
		return EXIT_USAGE;
	return verdict.present ? EXIT_FINE : EXIT_BAD;
}

static int main_stats(const Options &options)
{
	Session session(options.port);
	Line line = session.ask(options.reset ? "stats reset" : "stats").line;

	return main_write(options.json.empty() ? "-" : options.json,
	                  report_figures(server_figures(line)));
}

int main(int argc, char **argv)
{
	try {
		Options options = options_parse(argc, argv);

		for (const std::string &name : {options.probe, options.exploit}) {
			if (!name.empty() && !main_is_exploit(name))
				throw std::invalid_argument(name + ": no such bug, see --help");
		}
		switch (options.mode) {
		case Mode::Help:
			fputs(options_help, stdout);
			return EXIT_FINE;
		case Mode::Play:
			return main_play(options);
		case Mode::Probe:
			return main_probe(options);
		case Mode::Stats:
			return main_stats(options);
		}
	} catch (const std::invalid_argument &error) {
		fprintf(stderr, "arena-bots: %s\n", error.what());
		return EXIT_USAGE;
	} catch (const std::exception &error) {
		fprintf(stderr, "arena-bots: %s\n", error.what());
		return EXIT_NO_SERVER;
	}
	return EXIT_USAGE;
}
