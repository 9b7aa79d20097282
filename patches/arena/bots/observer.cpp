/*
 * Observer: asks stats again and again.
 */
#include "observer.h"

#include <algorithm>

ServerFigures server_figures(const Line &line)
{
	ServerFigures figures;

	figures.players = line.value("players");
	figures.connections = line.value("connections");
	figures.ticks = line.value("ticks");
	figures.tick_hz = line.value("tick_hz");
	figures.gap_last_us = line.value("gap_last_us");
	figures.gap_max_us = line.value("gap_max_us");
	figures.work_max_us = line.value("work_max_us");
	figures.skipped = line.value("skipped");
	figures.coin = line.value("coin");
	figures.duplicated = line.value("duplicated");
	figures.known = true;
	return figures;
}

Observer::Observer(int port, unsigned period_ms, Tally &tally)
    : Client("observer", port, tally), period_us_(period_ms * 1000ull)
{
}

void Observer::think(uint64_t now_us)
{
	if (now_us < next_us_)
		return;
	next_us_ = now_us + period_us_;
	ask_now();
}

void Observer::ask_now()
{
	ask(reset_ ? "stats reset" : "stats");
	reset_ = false;
}

void Observer::leave()
{
	if (!is_connected())
		return;
	expect_end();
	ask("quit");
}

void Observer::on_reply(const Reply &reply)
{
	if (!reply.line.starts("ok", "stats"))
		return;
	figures_ = server_figures(reply.line);
	gap_max_us_ = std::max(gap_max_us_, figures_.gap_max_us);
	/* The answer to a reset still shows what was forgotten. */
	if (request() == "stats reset")
		figures_.gap_max_us = 0;
}

void Observer::on_news(const Line &line)
{
	throw WrongAnswer("news for one who doesn't play: " + line.text());
}
