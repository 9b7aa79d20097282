#!/usr/bin/env python3
"""Load for a server, whose every answer is checked.

    load.py http|redis|econ PORT CONNECTIONS

Prints "ready" when every connection has had its first answer, goes on until it reads a line, and then
prints "REQUESTS FAILED". The connections stay open until its input ends: a server may die of SIGPIPE. A connection that breaks, an answer that is wrong or takes a minute is a failure.
"""
import socket
import sys
import threading

BODY = b"unchanged\n"
stop = threading.Event()
ready = threading.Semaphore(0)
lock = threading.Lock()
done = failed = 0


class Line:
    """A connection that is read by lines or by counts."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")

    def ask(self, data):
        self.socket.sendall(data)

    def line(self):
        text = self.file.readline()
        if not text:
            raise OSError("closed")
        return text.rstrip(b"\r\n\0")


def http(line, _name, _turn):
    line.ask(b"GET /file HTTP/1.1\r\nHost: here\r\n\r\n")
    status = line.line()
    length = 0
    while True:
        header = line.line()
        if not header:
            break
        if header.lower().startswith(b"content-length:"):
            length = int(header.split(b":")[1])
    return status == b"HTTP/1.1 200 OK" and line.file.read(length) == BODY


def redis(line, name, turn):
    pipe = 50
    line.ask(b"INCR %s\r\n" % name * pipe)
    return all(line.line() == b":%d" % (turn * pipe + i + 1) for i in range(pipe))


def econ(line, name, turn):
    if turn == 0:
        line.line()  # asks for the password
        line.ask(b"secret\n")
        while b"Authentication successful" not in line.line():
            pass
    word = b"%s-%d" % (name, turn)
    line.ask(b"echo %s\n" % word)
    while word not in line.line():
        pass
    return True


lines = []


def work(kind, port, number):
    global done, failed
    line, turn = None, 0
    name = b"key%d" % number
    while not stop.is_set():
        try:
            if not line:
                line = Line(port)
                lines.append(line)
            good = kind(line, name, turn)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            good = False
        if turn == 0:
            ready.release()
        turn += 1
        with lock:
            done += 1
            failed += not good
        if not good:
            break


kind, port, count = {"http": http, "redis": redis, "econ": econ}[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])
threads = [threading.Thread(target=work, args=(kind, port, i)) for i in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    ready.acquire()
print("ready", flush=True)
sys.stdin.readline()
stop.set()
for thread in threads:
    thread.join()
print(done, failed, flush=True)
sys.stdin.read()
