"""A proxy between programs and the nodes of a cluster. It reads the protocol of NATS, message by message, and can hold, delay or
lose one of them, or cut the connection in the middle of it.

    with Proxy(nodes.ports) as proxy:
        late = proxy.catch(r"STREAM.UPDATE")        # held before it comes to the server
        program = Program("stream-reshard", "split", proxy.address("orders"), "0")
        late.wait()
        program.pause()                             # nothing more comes from it
        ...
        late.let_go()                               # the server gets it now

A request is what a program publishes. `subjects` has the subjects of all of them, in their order. Its answer is what comes to the
subject that the request names for it. What a fetch brings is no answer here, because it keeps the subject that it was stored
with.
"""

import json
import os
import random
import re
import socket
import sys
import threading

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "fault"))

from support import check

FETCH = re.compile(r"CONSUMER\.MSG\.NEXT")
LOSE = "lose"
CUT = "cut"
CAUGHT = 30  # seconds that a message may take to come, unless it is said


class Message:
    """A request or an answer on its way; `data` has all of its bytes."""

    def __init__(self, words, data, is_answer):
        self.data = data
        self.is_answer = is_answer
        self.subject = words[1]
        # PUB subject [reply] size, HPUB subject [reply] size size, MSG subject sid [reply] size, HMSG with one size more
        sizes = 2 if words[0].startswith("H") else 1
        self.reply = words[-sizes - 1] if len(words) - sizes == (4 if is_answer else 3) else ""


def read_message(stream, is_answer):
    """A Message, or the bytes of a line that is none; nothing at the end of the connection."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        return None
    words = line.decode().split()
    if words and words[0] in (("MSG", "HMSG") if is_answer else ("PUB", "HPUB")):
        size = int(words[-1]) + 2
        payload = stream.read(size)
        return Message(words, line + payload, is_answer) if len(payload) == size else None
    if words and words[0] == "INFO":
        return without_other_nodes(line)
    return line


def without_other_nodes(line):
    """INFO names the other nodes, so that clients can go on there. Ours must come back to the proxy."""
    info = json.loads(line[len("INFO"):])
    info.pop("connect_urls", None)
    return b"INFO " + json.dumps(info).encode() + b"\r\n"


class Caught:
    """A message that was caught, or will be. While it is held, nothing passes in its direction on its connection."""

    def __init__(self, pattern, number, answered):
        self.pattern, self.number, self.answered = re.compile(pattern), number, answered
        self.message = None
        self.reply = None  # of the request, while its answer is waited for
        self.arrived = threading.Event()
        self.decided = threading.Event()
        self.fate = None

    def takes(self, message):
        """Whether this is the message to hold."""
        if message.is_answer:
            return self.reply is not None and message.subject == self.reply and not self.arrived.is_set()
        if self.number == 0 or not self.pattern.search(message.subject):
            return False
        self.number -= 1
        if self.number > 0:
            return False
        self.message = message
        if self.answered and message.reply and not FETCH.search(message.subject):
            self.reply = message.reply
            return False
        if self.answered:
            self.decided.set()  # nothing will be answered: it has passed
        return True

    def hold(self):
        self.arrived.set()
        self.decided.wait()
        return self.fate

    def wait(self, seconds=CAUGHT):
        """Until the message is held."""
        what = f"{'the answer to ' if self.answered else ''}a message to {self.pattern.pattern or 'anything'}"
        check(self.arrived.wait(seconds), f"waited {seconds} s in vain for {what} ({self.number} to go)")
        return self

    def has_come(self):
        return self.arrived.is_set()

    def end(self, fate=None):
        self.number, self.fate = 0, fate
        self.decided.set()

    def let_go(self):
        """It comes where it was going, also if the program that sent it has ended."""
        self.end()

    def lose(self):
        """It does not come; what is sent after it does."""
        self.end(LOSE)

    def cut(self):
        """Half of it comes, and the connection is lost."""
        self.end(CUT)


class Link:
    """One connection of a program, and its connection to a node."""

    def __init__(self, proxy, client, node):
        self.proxy, self.client, self.node = proxy, client, node
        for source, target, is_answer in ((client, node, False), (node, client, True)):
            threading.Thread(target=self.carry, args=(source, target, is_answer), daemon=True).start()

    def carry(self, source, target, is_answer):
        try:
            with source.makefile("rb") as stream:
                while (message := read_message(stream, is_answer)) is not None:
                    if not self.pass_on(message, target):
                        break
        except OSError:
            pass
        if is_answer:
            self.close()
        else:
            try:
                self.node.shutdown(socket.SHUT_WR)  # the server still reads what was on its way
            except OSError:
                pass

    def pass_on(self, message, target):
        """Returns whether the connection goes on."""
        if isinstance(message, bytes):
            target.sendall(message)
            return True
        fate = self.proxy.fate_of(message)
        if fate == CUT:
            target.sendall(message.data[: len(message.data) // 2])
            self.close()
            return False
        if fate != LOSE:
            target.sendall(message.data)
        return True

    def close(self):
        for each in (self.client, self.node):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()


class Proxy:
    def __init__(self, ports):
        self.ports = list(ports)
        self.subjects = []
        self.fault = lambda message: None  # may return LOSE or CUT, or wait
        self.catching = []
        self.links = []
        self.lock = threading.Lock()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for each in self.catching:
            each.end(LOSE)
        for link in self.links:
            link.close()

    def address(self, name, options=""):
        return f"nats://127.0.0.1:{self.port}/{name}{options}"

    def catch(self, pattern="", number=1, answered=False):
        """Catches the number-th request from now on whose subject has a match of the pattern, or the answer to it."""
        caught = Caught(pattern, number, answered)
        with self.lock:
            self.catching.append(caught)
        return caught

    def fate_of(self, message):
        with self.lock:
            if not message.is_answer:
                self.subjects.append(message.subject)
            held = [each for each in self.catching if each.takes(message)]
        fates = [each.hold() for each in held]
        return next(filter(None, fates), None) or self.fault(message)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            node = self.connect()
            if node is None:
                client.close()
            else:
                for each in (client, node):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.links.append(Link(self, client, node))

    def connect(self):
        """To one node after the other: one that is paused accepts connections too."""
        for port in random.sample(self.ports, len(self.ports)):
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=None)
            except OSError:
                continue
        return None
