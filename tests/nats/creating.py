"""A server of 2.9 crashes if it is asked for a message, or for subjects, of a stream that it is just making. A question may come to
one server long after another has answered it. So each program asks at first whether the stream is made."""

import re
import threading

from nodes import Nodes
from proxy import Proxy
from support import check, run

DANGEROUS = re.compile(r"\$JS\.API\.STREAM\.MSG\.GET\.(\w+)$")
TELLING = re.compile(r"\$JS\.API\.STREAM\.(INFO|CREATE)\.(\S+)$")


class Watch:
    """What one program asks and is told through a proxy."""

    def __init__(self):
        self.lock = threading.Lock()
        self.asked = {}  # the stream, by the reply subject
        self.made, self.early, self.questions = set(), [], 0

    def __call__(self, message):
        with self.lock:
            if message.is_answer:
                self.hear(message)
            else:
                self.ask(message)

    def ask(self, message):
        body = message.data.split(b"\r\n", 1)[1]
        telling, dangerous = TELLING.match(message.subject), DANGEROUS.match(message.subject)
        stream = dangerous[1] if dangerous else telling[2] if telling and b"subjects_filter" in body else None
        if stream:
            self.questions += 1
            if stream not in self.made:
                self.early.append(message.subject)
        elif telling:
            self.asked[message.reply] = telling[2]

    def hear(self, message):
        stream = self.asked.pop(message.subject, None)
        if stream and b'"error"' not in message.data and b'"created"' in message.data:
            self.made.add(stream)


def watched(nodes, name, *arguments, **options):
    """Runs a program on the stream NAME, which stands in the arguments. Returns how many questions it asked that are dangerous."""
    with Proxy(nodes.ports) as proxy:
        proxy.fault = watch = Watch()
        run(*(proxy.address(name) if each == "NAME" else each for each in arguments), **options)
    check(not watch.early, f"{' '.join(arguments)} asked before it knew that the stream is made: {watch.early}")
    return watch.questions


def main():
    with Nodes() as nodes:
        name = "creating"
        nodes.remove(name)
        counts = [watched(nodes, name, *command, **options) for command, options in (
            (("stream-create", "NAME", "--shards", "2"), {}),
            (("stream-put", "NAME"), {"input": b"one\ntwo\n"}),
            (("stream-put", "NAME", "--producer", "p", "--key-field", "1"), {"input": b"three 3\n"}),
            (("stream-get", "NAME"), {}),
            (("stream-get", "NAME", "-c", "c", "--new", "--seek", "trim-horizon"), {}),
            (("stream-get", "NAME", "-c", "c"), {}),
            (("stream-reshard", "split", "NAME", "0"), {}),
            (("stream-stats", "NAME", "--json"), {}),
            (("stream-create", "NAME"), {"status": 73}),
            (("stream-create", "--remove", "NAME"), {}),
            (("stream-create", "NAME"), {}),
            (("stream-create", "--remove", "NAME"), {}))]
        check(all(counts), f"a program asked nothing: {counts}")
        print(f"{sum(counts)} questions, each of a stream that was made")


main()
