"""Verbs that the fault tests of consumers share."""

import json
import os
import signal
import subprocess
from collections import defaultdict

from support import check, program, run

# Run for every batch: one write of who had it, and of its records, to the end of $LOG. So the log has the order in which
# all workers did their work. A shell alone, without a process more.
LOGGED = r"""
text=
while read -r line; do text="$text$line
"; done
printf '#%s %s %s %s %s\n%s' "$WORKER" "$STREAM_SHARD" "$STREAM_FENCE" "$STREAM_FIRST_SEQUENCE" "$STREAM_LAST_SEQUENCE" \
  "$text" >> "$LOG"
"""


class Worker:
    """A `stream-get -c` of its own name, whose commands know it as $WORKER and log to `log`."""

    def __init__(self, stream, consumer, name, log, *options, command=LOGGED):
        self.name = name
        self.process = subprocess.Popen(
            [program("stream-get"), stream, "-c", consumer, "--worker", name, "--exec", command, *options],
            env={**os.environ, "WORKER": name, "LOG": log}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.pid = self.process.pid

    def end(self, number=None, seconds=30):
        """Sends the signal and waits for the end. Returns the exit status and the messages."""
        if number is not None:
            self.process.send_signal(number)
        try:
            _, messages = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            check(False, f"worker {self.name} does not end")
        return self.process.returncode, messages.decode()

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        status, messages = self.end(signal.SIGTERM)
        check(status == -signal.SIGTERM, f"worker {self.name}: exit {status} after TERM: {messages}")


class Entry:
    """What one command has logged."""

    def __init__(self, head):
        self.worker, self.shard, fence, first, last = head.split()
        self.fence, self.first, self.last = int(fence), int(first), int(last)
        self.lines = []


def entries(log):
    found = []
    if os.path.exists(log):
        with open(log) as file:
            text = file.read()
        for line in text[: text.rfind("\n") + 1].splitlines():  # the rest is being written
            if line.startswith("#"):
                found.append(Entry(line[1:]))
            else:
                found[-1].lines.append(line)
    return found


def consumer(stream, name):
    """What stream-stats says of it; nothing where it is not there."""
    page = json.loads(run("stream-stats", stream, "--json"))
    return next((each for each in page["consumers"] if each["consumer"] == name), None)


def is_done(stream, name):
    found = consumer(stream, name)
    return found is not None and found["backlog"] == 0


class Owners:
    """Who has been seen as the owner of a shard in an epoch: never two."""

    def __init__(self):
        self.seen = {}

    def add(self, shard, epoch, worker):
        first = self.seen.setdefault((shard, epoch), worker)
        check(first == worker, f"{shard} in epoch {epoch} belongs to {first} and to {worker}")

    def add_log(self, found):
        for entry in found:
            self.add(entry.shard, entry.fence, entry.worker)

    def add_leases(self, found):
        for shard in found["shards"]:
            if shard["owner"]:
                self.add(shard["shard"], shard["epoch"], shard["owner"]["worker"])


def check_checkpoints(found, done):
    """No checkpoint is beyond what was done. `found` is older than the log that `done` was read from."""
    ranges = defaultdict(list)
    for entry in done:
        ranges[entry.shard].append((entry.first, entry.last))
    for shard in found["shards"]:
        if not (shard["checkpoint"] or "").startswith("after:"):
            continue
        checkpoint = int(shard["checkpoint"].removeprefix("after:"))
        covered = None
        for first, last in sorted(ranges[shard["shard"]]):
            # A shard's first number is not known here, but all of its records are read from there on.
            check(covered is None or first <= covered + 1 or first > checkpoint, f"{shard['shard']}: nobody did what is between {covered} and {first}")
            covered = max(covered or 0, last)
        check(covered is not None and covered >= checkpoint, f"{shard['shard']}: checkpoint {checkpoint}, done up to {covered}")


def check_order(lines, what, counts=None):
    """Lines "KEY NUMBER": each key's numbers count up from 0, or go on from `counts`, whatever is repeated. Returns how many
    of each key there are."""
    counts = defaultdict(int) if counts is None else counts
    for line in lines:
        key, number = line.split()[:2]
        check(int(number) <= counts[key], f"{what}: {key} {number} where {counts[key]} was next")
        if int(number) == counts[key]:
            counts[key] += 1
    return counts


def check_once(lines, what):
    """The same, and nothing is repeated."""
    counts = check_order(lines, what)
    check(sum(counts.values()) == len(lines), f"{what}: {len(lines) - sum(counts.values())} records are there twice")
    return counts


class Producer:
    """Puts lines "KEY NUMBER PADDING" with the key as partition key, and knows that they are stored."""

    def __init__(self, stream, keys, padding=""):
        self.keys = keys
        self.padding = padding
        self.counts = {key: 0 for key in keys}
        self.put = subprocess.Popen([program("stream-put"), stream, "--key-field", "1", "--ack"],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def add(self, count, randomness):
        for _ in range(count):
            key = randomness.choice(self.keys)
            self.put.stdin.write(f"{key} {self.counts[key]}{self.padding}\n".encode())
            self.counts[key] += 1
        self.put.stdin.flush()
        for _ in range(count):
            check(self.put.stdout.readline() != b"", "the producer failed")

    def add_until(self, done, count, pause, randomness):
        """Adds `count` records after each pause, in seconds."""
        while not done.wait(pause):
            self.add(count, randomness)

    def close(self):
        self.put.stdin.close()
        check(self.put.wait() == 0, "the producer failed")

    def check_all(self, counts, what):
        for key, count in self.counts.items():
            check(counts.get(key, 0) == count, f"{what}: {counts.get(key, 0)} records of {key}, not {count}")
