/*
 * Session: a connection that asks and waits for the answer. For probes and for the first
 * questions; the bots themselves never wait (see client.h).
 */
#ifndef ARENA_SESSION_H
#define ARENA_SESSION_H

#include <deque>
#include <stdexcept>
#include <string>

#include "floor.h"
#include "line.h"

/* There is no server, it went away, or it doesn't answer. */
struct NoServer : std::runtime_error {
	using std::runtime_error::runtime_error;
};

/* A blocking socket to 127.0.0.1. */
int session_connect(int port);

class Session
{
      public:
	explicit Session(int port);
	~Session();
	Session(const Session &) = delete;
	Session &operator=(const Session &) = delete;

	/* What the server said at the start. */
	const Line &greeting() const
	{
		return greeting_;
	}

	/* send and receive in one. */
	Reply ask(const std::string &request);

	void send(const std::string &request);
	Reply receive();

	/* The next news; throws NoServer after the time is over. Given from news first. */
	Line wait_news(int timeout_ms);

	/* News that came before the last reply, oldest first. Anyone may take from it. */
	std::deque<Line> news;

	Floor floor();

      private:
	std::string read_line(int timeout_ms);

	int fd_;
	std::string buffer_;
	Line greeting_;
};

#endif
