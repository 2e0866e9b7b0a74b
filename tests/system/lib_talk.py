# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody in a network namespace who listens, connects and sends as he is told.

Run as a program it reads commands, one JSON list a line, and answers each with one JSON value; Talker
is the test's side of it. Listeners and echoes go on by themselves."""

import json
import os
import select
import socket
import sys
import threading


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def echo(connection):
    while True:
        try:
            data = connection.recv(4096)
            if not data:
                return
            connection.sendall(data)
        except OSError:
            return


class Person:
    def __init__(self):
        self.connections = {}
        self.sockets = {}
        self.count = 0

    def uid(self, number):
        os.setgroups([])
        os.setresgid(number, number, number)
        os.setresuid(number, number, number)
        return "ok"

    def tcp_listen(self, port):
        listener = socket.create_server(("::", port), family=socket.AF_INET6,
                                        dualstack_ipv6=True, backlog=128)

        def serve():
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=echo, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return "ok"

    def udp_echo(self, port):
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.bind(("::", port))

        def serve():
            while True:
                data, sender = sock.recvfrom(4096)
                sock.sendto(data, sender)

        threading.Thread(target=serve, daemon=True).start()
        self.sockets[port] = sock
        return "ok"

    def udp_open(self, port):
        """A socket that only collects; udp_got() says what came."""
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.bind(("::", port))
        port = sock.getsockname()[1]
        self.sockets[port] = sock
        return port

    def udp_send(self, source, host, port, text):
        address = host if ":" in host else "::ffff:" + host
        try:
            self.sockets[source].sendto(text.encode(), (address, port))
        except OSError as error:
            return error.strerror
        return "ok"

    def udp_got(self, port, seconds):
        sock = self.sockets[port]
        if not select.select([sock], [], [], seconds)[0]:
            return None
        return sock.recv(4096).decode()

    def connect(self, host, port, seconds):
        """A number for say() and, or why not: "refused", "no answer", …"""
        sock = socket.socket(family(host), socket.SOCK_STREAM)
        sock.settimeout(seconds)
        try:
            sock.connect((host, port))
        except TimeoutError:
            sock.close()
            return "no answer"
        except OSError as error:
            sock.close()
            return error.strerror
        self.count += 1
        self.connections[self.count] = sock
        return self.count

    def say(self, number, text, seconds):
        """What comes back, or None."""
        sock = self.connections[number]
        sock.settimeout(seconds)
        try:
            sock.sendall(text.encode())
            return sock.recv(4096).decode()
        except OSError:
            return None

    def burst(self, host, port, count, seconds):
        """How many of so many connections at the same time are established within the time."""
        socks = []
        for _ in range(count):
            sock = socket.socket(family(host), socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.connect_ex((host, port))
            socks.append(sock)
        done = set()
        waiting = select.poll()
        for sock in socks:
            waiting.register(sock, select.POLLOUT)
        while len(done) < count:
            events = waiting.poll(seconds * 1000)
            if not events:
                break
            for fd, _ in events:
                waiting.unregister(fd)
                done.add(fd)
        good = sum(1 for s in socks if s.fileno() in done
                   and s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0)
        for sock in socks:
            sock.close()
        return good


def main():
    person = Person()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(person, name)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
    sys.exit(0)

# --- the test's side ------------------------------------------------------------------------------

from lib_proc import Process, scaled  # noqa: E402  (the program above needs nothing of it)


class Talker:
    """talker.connect("192.0.2.1", 22, 1) and so on, as the methods of Person."""

    def __init__(self, netns, uid=None):
        self.process = Process(sys.executable, "-B", __file__, netns=netns)
        self.process.wait_line("ready", 20)
        if uid is not None:
            self.uid(uid)

    def __getattr__(self, name):
        def call(*arguments):
            mark = self.process.mark()
            self.process.send(json.dumps([name, *arguments]))
            return json.loads(self.process.wait_line("", scaled(30), since=mark))
        return call

    def close(self):
        self.process.stop()
