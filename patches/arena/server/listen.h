/*
 * Listening: where the socket comes from that clients connect to.
 */
#ifndef ARENA_LISTEN_H
#define ARENA_LISTEN_H

/*
 * A socket that listens on 127.0.0.1:port (0: any free one), or the one that systemd has opened and
 * passes on (sd_listen_fds(3)): then clients that come while the server restarts wait in its
 * queue. -1 on failure, with errno.
 */
int listen_open(int port);

#endif
