/*
 * Client: one connection that never waits. At most one request is under way; its answer and the
 * news go to the virtual functions in the order in which the server sent them.
 */
#ifndef ARENA_CLIENT_H
#define ARENA_CLIENT_H

#include <cstdint>
#include <string>

#include "line.h"
#include "tally.h"

/* Monotonic. */
uint64_t client_now_us();

class Client
{
      public:
	Client(std::string name, int port, Tally &tally);
	virtual ~Client();
	Client(const Client &) = delete;
	Client &operator=(const Client &) = delete;

	int fd() const
	{
		return fd_;
	}
	const std::string &name() const
	{
		return name_;
	}
	bool is_connected() const
	{
		return fd_ >= 0;
	}
	bool is_waiting() const
	{
		return waiting_;
	}

	/* Reads what is there. Wrong answers and the end of the connection are counted here. */
	void read();

	/* Gives the request up when it is much too old. */
	void check_age(uint64_t now_us);

	/* Called when no request is under way; may ask one. */
	virtual void think(uint64_t now_us) = 0;

      protected:
	void ask(const std::string &request);

	/* The connection may end from now on. */
	void expect_end()
	{
		leaving_ = true;
	}

	/* Both may throw WrongAnswer. */
	virtual void on_reply(const Reply &reply) = 0;
	virtual void on_news(const Line &line) = 0;

	const std::string &request() const
	{
		return request_;
	}
	Tally &tally_;

      private:
	void take_line(const std::string &text);
	void finish_reply();
	void end(const char *why);

	std::string name_;
	int fd_ = -1;
	std::string buffer_;
	bool waiting_ = true; /* for the greeting at first */
	bool leaving_ = false;
	std::string request_;
	uint64_t asked_us_;
	Reply reply_;
	size_t rows_missing_ = 0;
};

#endif
