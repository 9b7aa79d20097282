/*
 * Session: a blocking socket, read with a deadline.
 */
#include "session.h"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static constexpr int session_timeout_ms = 10000;

int session_connect(int port)
{
	struct sockaddr_in address = {};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		std::string reason = strerror(errno);

		if (fd >= 0)
			close(fd);
		throw NoServer("can't connect to 127.0.0.1:" + std::to_string(port) + ": " +
		               reason);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

Session::Session(int port) : fd_(session_connect(port))
{
	try {
		greeting_ = Line(read_line(session_timeout_ms));
	} catch (...) {
		close(fd_);
		throw;
	}
}

Session::~Session()
{
	close(fd_);
}

std::string Session::read_line(int timeout_ms)
{
	using clock = std::chrono::steady_clock;
	auto deadline = clock::now() + std::chrono::milliseconds(timeout_ms);

	for (;;) {
		size_t newline = buffer_.find('\n');

		if (newline != std::string::npos) {
			std::string line = buffer_.substr(0, newline);

			buffer_.erase(0, newline + 1);
			return line;
		}

		auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline -
		                                                                  clock::now());
		struct pollfd wait = {fd_, POLLIN, 0};

		if (left.count() <= 0)
			throw NoServer("no answer in " + std::to_string(timeout_ms) + " ms");
		if (poll(&wait, 1, (int)left.count() + 1) <= 0)
			continue;

		char chunk[4096];
		ssize_t n = recv(fd_, chunk, sizeof(chunk), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			throw NoServer("the server closed the connection");
		buffer_.append(chunk, (size_t)n);
	}
}

void Session::send(const std::string &request)
{
	std::string text = request + "\n";
	size_t sent = 0;

	while (sent < text.size()) {
		ssize_t n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			throw NoServer(std::string("can't send: ") + strerror(errno));
		sent += (size_t)n;
	}
}

Reply Session::receive()
{
	Reply reply;

	for (;;) {
		reply.line = Line(read_line(session_timeout_ms));
		if (reply.line.word(0) != "*")
			break;
		news.push_back(reply.line);
	}
	for (size_t rows = line_rows(reply.line); rows > 0; rows--)
		reply.rows.push_back(read_line(session_timeout_ms).substr(2));
	return reply;
}

Reply Session::ask(const std::string &request)
{
	send(request);
	return receive();
}

Line Session::wait_news(int timeout_ms)
{
	if (!news.empty()) {
		Line line = news.front();

		news.pop_front();
		return line;
	}
	return Line(read_line(timeout_ms));
}

Floor Session::floor()
{
	return Floor(ask("map").rows);
}
