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
#include <unistd.h>

#include "clock.h"
#include "handover.h"
#include "listen.h"
#include "log.h"
#include "net.h"
#include "options.h"
#include "prices.h"
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

static bool main_tick(struct world *world, const struct options *options)
{
	world->ticks =
	        tick_start(world->rooms, world->room_count, options->threads, options->tick_hz);
	return world->ticks != NULL;
}

/* What a successor's visit needs. */
struct main_visit {
	struct world *world;
	const struct options *options;
	int listen_fd;
	bool given;
};

static bool main_hand_over(void *context)
{
	struct main_visit *visit = context;
	int fd = handover_accept(visit->listen_fd);

	if (fd < 0)
		return false;
	/* What goes over must not change meanwhile. */
	tick_stop(visit->world->ticks);
	visit->world->ticks = NULL;
	visit->given = handover_give(fd, visit->world, main_net);
	return visit->given || !main_tick(visit->world, visit->options);
}

/* Where the clients come to: our predecessor's socket, or one of our own. */
static int main_listen(struct handover *handover, const struct options *options)
{
	int fd = options->take_over ? handover->listen_fd : listen_open(options->port);

	if (fd < 0)
		log_warning("can't listen on 127.0.0.1:%d: %s", options->port, strerror(errno));
	return fd;
}

static int main_serve(struct world *world, const struct options *options, struct handover *handover)
{
	struct main_visit visit = {.world = world, .options = options, .listen_fd = -1};
	int fd = main_listen(handover, options);
	int port;

	if (fd < 0)
		return EXIT_FAILURE;
	main_net = net_create(world, fd);
	if (!main_net)
		return EXIT_FAILURE;
	if (options->handover) {
		visit.listen_fd = handover_listen(options->handover);
		if (visit.listen_fd < 0 ||
		    !net_on_visit(main_net, visit.listen_fd, main_hand_over, &visit))
			return EXIT_FAILURE;
	}
	/* All else that may fail comes before: from here on the game is ours alone. */
	if (options->take_over && !handover_take(handover, world, main_net))
		return EXIT_FAILURE;
	if (options->handover)
		handover_publish(options->handover);
	if (!main_tick(world, options))
		return EXIT_FAILURE;
	prices_register();
	room_register_players(world->rooms, world->room_count);
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
	/* A successor has its own socket there. */
	if (options->handover && !visit.given)
		unlink(options->handover);
	log_info("stopping, %d connections, %llu requests answered", world->connections,
	         (unsigned long long)world->requests);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct world world;
	struct options options;
	struct handover handover;
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
	if (options.take_over && !handover_begin(&handover, options.take_over, &options.rooms))
		return EXIT_FAILURE;
	/* A thread without a room would tick nothing. */
	if (options.threads > options.rooms)
		options.threads = options.rooms;
	room_match_ticks = (uint64_t)options.match_seconds * (uint64_t)options.tick_hz;
	world.tick_hz = options.tick_hz;
	world.started_ns = clock_ns();
	for (world.room_count = 0; world.room_count < options.rooms; world.room_count++) {
		world.rooms[world.room_count] = room_create(world.room_count);
		if (!world.rooms[world.room_count])
			break;
	}
	if (world.room_count == options.rooms)
		status = main_serve(&world, &options, &handover);
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
