"""Whether the latencies that a stream has in its metrics are those that are seen from outside."""

import datetime
import json
import os
import random
import select
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

from line import Line, lines
from live import Lines
from measure import NOW, QUICK, run

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from measured import Measured  # noqa: E402

FEWEST = 1000


class Latencies(NamedTuple):
    """In seconds."""

    mean: float
    median: float


class Seen(NamedTuple):
    """Latencies of the producer, and from arrival to read."""

    put: Latencies
    propagation: Latencies


class Observer:
    """Writes records at times of its own, and notes when it wrote them, when they were acknowledged, and when they came out:
    one process that waits for all three at once. Between two records it sends a line through `cat`, because a latency
    begins when a program has read, and ends when it writes: the ways through the pipes, and the waking of the processes at
    their ends, are seen from outside and are not part of it."""

    def __init__(self, linger, poll):
        run(NOW.fresh("s", 1) + f"; echo first | {NOW.put} s")
        follow = [NOW.get, "s", "--follow", "--format", "{time} {data}"] + (["--poll", poll] if poll else [])
        self.get = subprocess.Popen(follow, stdout=subprocess.PIPE)
        self.put = subprocess.Popen([NOW.put, "s", "--ack", "--linger", linger], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.cat = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.acks, self.output, self.back = Lines(self.put.stdout), Lines(self.get.stdout), Lines(self.cat.stdout)
        self.written, self.acked, self.read = [], [], []
        self.sent, self.returned = [], []
        assert self.wait_for(lambda: self.read), "nothing was read"  # it follows, and has the first record
        self.read.clear()
        time.sleep(0.5)  # it reaches the tail, and the producer has opened the stream

    def wait(self, seconds):
        ready, _, _ = select.select([self.acks, self.output, self.back], [], [], max(0.0, seconds))
        now = time.time()
        if self.acks in ready:
            self.acked += [now for _ in self.acks.read()]
        if self.output in ready:
            self.read += [(now, line) for line in self.output.read()]
        if self.back in ready:
            self.returned += [now for _ in self.back.read()]

    def wait_until(self, due):
        while (left := due - time.time()) > 0:
            self.wait(left)

    def wait_for(self, condition):
        end = time.monotonic() + 30
        while not condition() and time.monotonic() < end:
            self.wait(end - time.monotonic())
        return condition()

    def observe(self, records, gap):
        due = time.time()
        for number in range(records):
            length = gap()
            self.wait_until(due + length / 2)
            send(self.cat, number, self.sent)
            due += length
            self.wait_until(due)
            send(self.put, number, self.written)
        assert self.wait_for(lambda: len(self.acked) == len(self.read) == len(self.returned) == records), "not all records came"
        self.put.stdin.close()
        self.cat.stdin.close()
        assert self.put.wait() == 0 and self.cat.wait() == 0, "stream-put failed"
        self.get.terminate()
        self.get.wait()
        return self.seen()

    def seen(self):
        arrived = [moment(line.split()[0]) for _, line in self.read]
        assert all(written <= at + 1e-6 and at <= acked for written, at, acked in zip(self.written, arrived, self.acked)), (
            "a record arrived before it was written, or after it was acknowledged")
        return Seen(of(zip(self.written, self.acked)), of(zip(arrived, [at for at, _ in self.read])))

    def pipes(self):
        """Of two pipes before and after a program, and of the one after it."""
        both = of(zip(self.sent, self.returned))
        return Seen(both, Latencies(both.mean / 2, both.median / 2))


def send(process, number, times):
    times.append(time.time())
    os.write(process.stdin.fileno(), b"%d\n" % number)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def of(spans):
    lengths = [end - begin for begin, end in spans]
    return Latencies(statistics.mean(lengths), statistics.median(lengths))


def measured():
    """The means by the words of shardlog(5) alone, the medians as stream-stats shows them."""
    figures = json.loads(subprocess.run([NOW.stats, "s", "--json"], check=True, capture_output=True).stdout)["figures"]
    metrics = Measured("s")
    return Seen(Latencies(metrics.put.mean / 1e6, figures["put_records_latency_p50"]),
                Latencies(metrics.readers[""].propagation.mean / 1e6, figures["propagation_delay_p50"]))


def every(milliseconds):
    """Gaps around that mean, so that records come at times that have nothing to do with any other rhythm."""
    chance = random.Random(4711)
    return lambda: chance.uniform(0.2, 1.8) * milliseconds / 1000


def less(seen, pipes):
    return Seen(*(Latencies(*(a - b for a, b in zip(*each))) for each in zip(seen, pipes)))


def differences(seen, inside):
    """In seconds, with what was seen."""
    return [(mine - its, its) for one, other in zip(inside, seen) for mine, its in zip(one, other)]


def text(latencies):
    return ", ".join(f"{value * 1000:.3f}" for value in latencies)


def texts(seen, inside):
    return (f"mean, p50 in ms, measured against seen: producer {text(inside.put)} against {text(seen.put)}; "
            f"propagation {text(inside.propagation)} against {text(seen.propagation)}")


@lines("latencies against what is seen from outside")
def agree():
    records = 400 if QUICK else 5000
    seen = Observer("60ms", "200ms").observe(records, every(4))
    inside = measured()
    worst = max(abs(difference) / its for difference, its in differences(seen, inside))
    yield Line("latencies above 10 ms, against those seen from outside", f"{worst:.1%} apart", "<= 5 %", worst <= 0.05,
               texts(seen, inside))
    observer = Observer("0", None)
    seen, pipes, inside = observer.observe(records, every(10)), observer.pipes(), measured()
    worst = max(abs(difference) for difference, _ in differences(less(seen, pipes), inside))
    yield Line("latencies below 10 ms, of a woken follower, against the same", f"{worst * 1000:.3f} ms apart", "<= 0.2 ms",
               worst <= 0.0002, f"{texts(seen, inside)}; of this, two pipes and their waking {text(pipes.put)}")
    more = inside.propagation.median - inside.put.median
    yield Line("p50 of the propagation to a woken follower, beyond that of the producer", f"{more * 1000:.3f} ms", "<= 1 ms",
               more <= 0.001)


@lines("propagation with --poll 500ms")
def poll():
    Observer("0", "500ms").observe(20 if QUICK else 1500, every(100))
    propagation = Measured("s").readers[""].propagation
    mean = propagation.mean / 1000
    yield Line("mean propagation with --poll 500ms", f"{mean:.0f} ms", "225 to 275 ms",
               225 <= mean <= 275 and propagation.count >= FEWEST, f"{propagation.count:,} records")
