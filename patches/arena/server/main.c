/*
 * arena-server: a small multiplayer game on 127.0.0.1. Puts the parts together, serves, and takes
 * them apart again on SIGTERM or SIGINT. The main thread is the network thread; the others tick.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "log.h"
#include "net.h"
#include "options.h"
#include "room.h"
#include "tick.h"
#include "world.h"

static struct net *main_net;

static void main_on_signal(int signal)
{
	int saved = errno;

	(void)signal;
	net_stop(main_net);
	errno = saved;
}

static void main_catch_signals(void)
{
	struct sigaction action = {.sa_handler = main_on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void main_raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Renamed into place: who waits for the file never reads half a number. */
static bool main_write_port(const char *path, int port)
{
	char temporary[4096];
	FILE *file;
	bool fine;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return false;
	file = fopen(temporary, "w");
	if (!file)
		return false;
	fine = fprintf(file, "%d\n", port) > 0;
	fine = fclose(file) == 0 && fine;
	return fine && rename(temporary, path) == 0;
}

static int main_serve(struct world *world, const struct options *options)
{
	int port;

	main_net = net_create(world, options->port);
	if (!main_net)
		return EXIT_FAILURE;
	world->ticks =
	        tick_start(world->rooms, world->room_count, options->threads, options->tick_hz);
	if (!world->ticks)
		return EXIT_FAILURE;
	main_catch_signals();
	port = net_port(main_net);
	if (options->port_file && !main_write_port(options->port_file, port)) {
		log_warning("can't write %s: %s", options->port_file, strerror(errno));
		return EXIT_FAILURE;
	}
	printf("arena: listening on 127.0.0.1:%d, %d rooms on %d threads at %d Hz\n", port,
	       options->rooms, options->threads, options->tick_hz);
	fflush(stdout);
	net_run(main_net);
	log_info("stopping, %d connections, %llu requests answered", world->connections,
	         (unsigned long long)world->requests);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct world world;
	struct options options;
	int status = EXIT_FAILURE;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_HELP:
		return EXIT_SUCCESS;
	case OPTIONS_WRONG:
		return 2;
	case OPTIONS_RUN:
		break;
	}
	log_set_verbose(options.verbose);
	main_raise_limits();
	world.tick_hz = options.tick_hz;
	world.started_ns = clock_ns();
	for (world.room_count = 0; world.room_count < options.rooms; world.room_count++) {
		world.rooms[world.room_count] = room_create(world.room_count);
		if (!world.rooms[world.room_count])
			break;
	}
	if (world.room_count == options.rooms)
		status = main_serve(&world, &options);
	/* The ticks stop first: they send to the connections that go with the network. */
	tick_stop(world.ticks);
	/* A signal from now on ends the process the usual way. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	net_destroy(main_net);
	for (int i = 0; i < world.room_count; i++)
		room_destroy(world.rooms[i]);
	return status;
}
