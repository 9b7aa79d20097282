/*
 * Client: cuts what it reads into lines, and matches replies with requests.
 */
#include "client.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <sys/socket.h>
#include <unistd.h>

#include "session.h"

static constexpr uint64_t client_patience_us = 10000000;

uint64_t client_now_us()
{
	using namespace std::chrono;

	return (uint64_t)duration_cast<microseconds>(steady_clock::now().time_since_epoch())
	        .count();
}

Client::Client(std::string name, int port, Tally &tally)
    : tally_(tally), name_(std::move(name)), fd_(session_connect(port)), asked_us_(client_now_us())
{
}

Client::~Client()
{
	if (fd_ >= 0)
		close(fd_);
}

void Client::end(const char *why)
{
	close(fd_);
	fd_ = -1;
	waiting_ = false;
	if (!leaving_) {
		tally_.lost++;
		if (tally_.lost <= 5)
			fprintf(stderr, "arena-bots: %s lost its connection: %s\n", name_.c_str(),
			        why);
	}
}

void Client::ask(const std::string &request)
{
	std::string text = request + "\n";

	request_ = request;
	waiting_ = true;
	asked_us_ = client_now_us();
	/* One line always fits: the answer to the one before has been read. */
	if (send(fd_, text.data(), text.size(), MSG_NOSIGNAL) != (ssize_t)text.size())
		end(strerror(errno));
}

void Client::check_age(uint64_t now_us)
{
	if (fd_ < 0 || !waiting_ || now_us < asked_us_ + client_patience_us)
		return;
	tally_.unanswered++;
	end(("no answer in 10 s to: " + request_).c_str());
}

void Client::finish_reply()
{
	Reply reply = std::move(reply_);

	reply_ = Reply();
	waiting_ = false;
	on_reply(reply);
}

void Client::take_line(const std::string &text)
{
	if (text.compare(0, 2, "* ") == 0) {
		tally_.news++;
		on_news(Line(text));
		return;
	}
	if (rows_missing_ > 0) {
		if (text.compare(0, 2, "| ") != 0)
			throw WrongAnswer("a row is missing");
		reply_.rows.push_back(text.substr(2));
		if (--rows_missing_ == 0)
			finish_reply();
		return;
	}
	if (!waiting_)
		throw WrongAnswer("an answer that nobody asked for");
	tally_.count_latency(client_now_us() - asked_us_);
	reply_.line = Line(text);
	rows_missing_ = line_rows(reply_.line);
	if (rows_missing_ == 0)
		finish_reply();
}

void Client::read()
{
	char chunk[16384];
	ssize_t n = recv(fd_, chunk, sizeof(chunk), MSG_DONTWAIT);
	size_t start = 0;
	size_t newline;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(n == 0 ? "closed by the server" : strerror(errno));
		return;
	}
	buffer_.append(chunk, (size_t)n);
	while ((newline = buffer_.find('\n', start)) != std::string::npos) {
		std::string text = buffer_.substr(start, newline - start);

		start = newline + 1;
		try {
			take_line(text);
		} catch (const WrongAnswer &wrong) {
			tally_.count_wrong(name_, wrong.what(),
			                   "[" + request_ + "] -> [" + text + "]");
		}
	}
	buffer_.erase(0, start);
}
