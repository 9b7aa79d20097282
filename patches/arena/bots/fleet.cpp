/*
 * Fleet: one epoll for all bots. The end is orderly, so that the last check is exact: nobody asks
 * anything new, all stand still, all show their stock, and only then all leave.
 */
#include "fleet.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "exploit.h"
#include "report.h"
#include "session.h"

Fleet::Fleet(const Options &options) : options_(options), epoll_fd_(epoll_create1(EPOLL_CLOEXEC))
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	try {
		learn_world();
		connect_all();
	} catch (...) {
		close(epoll_fd_);
		throw;
	}
}

Fleet::~Fleet()
{
	close(epoll_fd_);
}

void Fleet::learn_world()
{
	Session session(options_.port);

	world_.floor = session.floor();
	world_.tick_hz = (int)session.greeting().value("tick_hz");
	world_.pace_ms = options_.pace_ms;
	world_.name_prefix = options_.prefix;
	world_.names.resize((size_t)session.greeting().value("rooms"));
	for (const std::string &text : session.ask("shop").rows) {
		Line row(text);

		world_.items.push_back(row.word(0));
		world_.prices[row.word(0)] = row.number(1);
	}
	if (world_.floor.height() == 0 || world_.items.empty() || world_.names.empty())
		throw NoServer("that is no arena");
}

void Fleet::add_to_epoll(Client &client)
{
	struct epoll_event event = {};

	event.events = EPOLLIN;
	event.data.ptr = &client;
	if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, client.fd(), &event) < 0)
		throw NoServer("epoll_ctl failed");
}

void Fleet::connect_all()
{
	observer_ = std::make_unique<Observer>(options_.port, status_period_ms, tally_);
	add_to_epoll(*observer_);
	for (int i = 0; i < options_.bots; i++) {
		size_t room = (size_t)i % world_.names.size();
		std::string name = options_.prefix + std::to_string(i);
		bool watches = world_.names[room].empty();

		bots_.push_back(std::make_unique<Bot>(name, (int)room, watches, options_.port,
		                                      world_, tally_));
		add_to_epoll(*bots_.back());
		world_.names[room].push_back(name);
	}
	/* A gift to one who is still on the way would fail: all join before anyone plays. */
	for (auto &bot : bots_) {
		while (bot->is_connected() && !bot->has_joined() && tally_.wrong == 0) {
			if (!bot->is_waiting())
				bot->join();
			turn(false);
		}
		if (!bot->has_joined())
			throw NoServer(bot->name() + " can't join" +
			               (tally_.wrong ? ": " + tally_.wrong_examples[0] : ""));
	}
	if (!options_.exploit.empty())
		cheater_ = std::make_unique<Cheater>(options_.exploit, options_.port);
}

/* Reads what has come, and lets those think who are not waiting for an answer. */
void Fleet::turn(bool thinking)
{
	struct epoll_event events[1024];
	int count = epoll_wait(epoll_fd_, events, 1024, 5);

	for (int i = 0; i < count; i++) {
		Client *client = static_cast<Client *>(events[i].data.ptr);

		if (client->is_connected())
			client->read();
	}

	uint64_t now = client_now_us();

	for (auto &bot : bots_) {
		bot->check_age(now);
		if (thinking && bot->is_connected() && !bot->is_waiting())
			bot->think(now);
	}
	observer_->check_age(now);
	if (thinking && observer_->is_connected() && !observer_->is_waiting())
		observer_->think(now);
}

/* Waits until no bot waits for an answer. */
bool Fleet::settle()
{
	uint64_t deadline = client_now_us() + 60000000;

	while (client_now_us() < deadline) {
		bool waiting = observer_->is_waiting();

		for (auto &bot : bots_)
			waiting = waiting || bot->is_waiting();
		if (!waiting)
			return true;
		turn(false);
	}
	return false;
}

size_t Fleet::players() const
{
	size_t players = 0;

	if (left_)
		return players_at_end_;
	for (const auto &bot : bots_)
		players += bot->is_connected() && bot->has_joined();
	return players;
}

double Fleet::seconds_played() const
{
	return (double)((ended_us_ ? ended_us_ : client_now_us()) - started_us_) / 1e6;
}

void Fleet::show_status(uint64_t now_us)
{
	if (now_us < next_status_us_)
		return;
	next_status_us_ = now_us + status_period_ms * 1000;
	strip_.push_back({tally_.latency_now_us, tally_.gap_now_us});
	if (strip_.size() > strip_bars)
		strip_.pop_front();
	tally_.latency_now_us = 0;
	tally_.gap_now_us = 0;
	if (!options_.status.empty())
		report_write(options_.status, report_status(*this));
}

void Fleet::run(volatile int *stop, volatile int *reset)
{
	started_us_ = client_now_us();
	while (!*stop && (options_.seconds == 0 || seconds_played() < options_.seconds)) {
		turn(true);
		if (*reset) {
			*reset = 0;
			tally_.reset();
			observer_->reset();
		}
		show_status(client_now_us());
		if (players() == 0 || !observer_->is_connected())
			break;
	}
	ended_us_ = client_now_us();
	finish();
}

void Fleet::finish()
{
	for (auto &bot : bots_)
		bot->stop_playing();
	settle();
	for (auto &bot : bots_)
		bot->take_stock();
	settle();
	for (auto &bot : bots_)
		bot->show_stock();
	if (observer_->is_connected())
		observer_->ask_now();
	settle();
	check_conservation();
	if (!options_.status.empty())
		report_write(options_.status, report_status(*this));
	players_at_end_ = players();
	left_ = true;
	for (auto &bot : bots_)
		bot->leave();
	observer_->leave();
	settle();
}

/* What bots gave, bots got. One that was lost may have taken news with it. */
void Fleet::check_conservation()
{
	if (tally_.lost == 0 && tally_.coin_sent != tally_.coin_received)
		tally_.count_wrong("fleet", "coin lost between players",
		                   std::to_string(tally_.coin_sent) + " sent, " +
		                           std::to_string(tally_.coin_received) + " received");
}
