/*
 * Observer: a client that doesn't play, and asks the server for its own figures.
 */
#ifndef ARENA_OBSERVER_H
#define ARENA_OBSERVER_H

#include "client.h"

struct ServerFigures {
	bool known = false;
	long long players = 0;
	long long connections = 0;
	long long ticks = 0;
	long long tick_hz = 0;
	long long gap_last_us = 0;
	long long gap_max_us = 0;  /* since the last reset */
	long long work_max_us = 0; /* since the last reset */
	long long skipped = 0;
	long long coin = 0;
	long long duplicated = 0;
};

/* Throws WrongAnswer. */
ServerFigures server_figures(const Line &line);

class Observer : public Client
{
      public:
	Observer(int port, unsigned period_ms, Tally &tally);

	void think(uint64_t now_us) override;
	void ask_now();
	void leave();

	/* The next question also makes the server forget its maxima. */
	void reset()
	{
		reset_ = true;
	}

	const ServerFigures &figures() const
	{
		return figures_;
	}

	/* The longest gap over all resets. */
	long long gap_max_us() const
	{
		return gap_max_us_;
	}

      protected:
	void on_reply(const Reply &reply) override;
	void on_news(const Line &line) override;

      private:
	uint64_t period_us_;
	uint64_t next_us_ = 0;
	bool reset_ = false;
	ServerFigures figures_;
	long long gap_max_us_ = 0;
};

#endif
