"""Processes that are fed and read while they run, by one loop: no thread is late because another one runs."""

import fcntl
import json
import os
import select
import signal
import subprocess
import time

from measure import NOW


class Ended(RuntimeError):
    """A program ended that should have gone on."""


class Lines:
    """The lines of a pipe, as they come. `fileno` makes it something to wait for."""

    def __init__(self, pipe):
        self.pipe, self.rest = pipe, b""
        os.set_blocking(pipe.fileno(), False)

    def fileno(self):
        return self.pipe.fileno()

    def read(self):
        try:
            piece = os.read(self.fileno(), 1 << 16)
        except BlockingIOError:
            return []
        if not piece:
            raise Ended("a program ended early")
        *whole, self.rest = (self.rest + piece).split(b"\n")
        return [line.decode() for line in whole]


class Producer:
    """stream-put --ack, which gets `rate` records of 100 bytes a second. Counts what was written and acknowledged."""

    SIZE = 100

    def __init__(self, stream, rate):
        self.process = subprocess.Popen([NOW.put, stream, "--ack"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.acks = Lines(self.process.stdout)
        self.written = self.acked = 0
        self.first_ack = None  # when it came, since the last change of the rate
        self.change(rate)

    def change(self, rate):
        """From now on. 0 stops for a while."""
        self.rate, self.since, self.before, self.first_ack = rate, time.monotonic(), self.written, None

    def tick(self):
        due = self.before + int((time.monotonic() - self.since) * self.rate) - self.written
        if due > 0:
            self.written += due
            os.write(self.process.stdin.fileno(), b"".join(
                b"%0*d\n" % (self.SIZE - 1, self.written - due + i) for i in range(due)))
        if acked := len(self.acks.read()):
            self.first_ack = self.first_ack or time.time()
            self.acked += acked

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Consumer:
    """stream-get -c in a process of its own, with a reader that takes all it gets, or a given number of records a second."""

    def __init__(self, stream, name):
        # In a session of its own: when a shell ends, the kernel wakes what is stopped in its background jobs.
        self.process = subprocess.Popen([NOW.get, stream, "-q", "-c", name, "--follow"], stdout=subprocess.PIPE,
                                        start_new_session=True)
        self.pipe = self.process.stdout.fileno()
        # What is in the pipe is not processed yet: with a small one, the reader decides how fast that is.
        fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(self.pipe, False)
        self.bytes = 0
        self.limit(None)

    def limit(self, rate):
        self.rate, self.since, self.before = rate, time.monotonic(), self.bytes

    def tick(self):
        may = 1 << 16
        if self.rate is not None:
            may = self.before + int((time.monotonic() - self.since) * self.rate * Producer.SIZE) - self.bytes
        try:
            self.bytes += len(os.read(self.pipe, may)) if may > 0 else 0
        except BlockingIOError:
            # What it could have read and was not there is not made up for later.
            self.limit(self.rate)

    def taken(self):
        return self.bytes // Producer.SIZE

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def is_paused(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "T"

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        self.resume()
        self.process.terminate()
        self.process.stdout.close()
        self.process.wait()


class Watch:
    """stream-stats --watch in a pipe: its lines, and when each came."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([NOW.stats, *arguments], stdout=subprocess.PIPE)
        self.pipe, self.lines = Lines(self.process.stdout), []

    def tick(self):
        self.lines += [(time.time(), line) for line in self.pipe.read()]

    def since(self, moment):
        return [(when, line) for when, line in self.lines if when >= moment]

    def end(self):
        self.process.terminate()
        self.process.wait()


def go_on(processes, until, limit=60.0):
    """Feeds and reads the processes until the condition holds. False if that takes longer than `limit` seconds."""
    end = time.monotonic() + limit
    while not until():
        if time.monotonic() > end:
            return False
        select.select([each.acks for each in processes if isinstance(each, Producer)], [], [], 0.002)
        for each in processes:
            each.tick()
    return True


def go_on_for(processes, seconds):
    go_on(processes, lambda: False, seconds)


class Look:
    """What stream-stats says about a consumer, while the processes go on; with bounds of how many records there were."""

    def __init__(self, stream, processes, producer):
        self.acked = producer.acked
        start = time.time()
        program = subprocess.Popen([NOW.stats, stream, "--json"], stdout=subprocess.PIPE)
        ended = go_on(processes, lambda: program.poll() is not None)
        self.when, self.written = (start + time.time()) / 2, producer.written
        text = program.stdout.read()
        assert ended and program.returncode == 0, "stream-stats failed"
        self.page = json.loads(text)
        (self.consumer,) = self.page["consumers"]
        self.backlog, self.age = self.consumer["backlog"], self.consumer["age_seconds"]
