"""Producers and workers that use a stream while something fails, and what must be true of it afterwards."""

import collections
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "fault"))

from consumers import LOGGED, entries  # noqa: F401
from nodes import Program
from support import check, program, run, wait_for

BUSY, UNKNOWN, FENCED = 75, 74, 76
KEYS = 4  # of a producer
TOGETHER = 5  # records that are fed at once
MOST_UNANSWERED = 200
PAUSE = 0.02  # seconds between them

# Run for every batch: logs it, and prints its records.
INTO = r"""
text=
while read -r line; do text="$text$line
"; done
printf '#%s %s %s %s %s\n%s' "$WORKER" "$STREAM_SHARD" "$STREAM_FENCE" "$STREAM_FIRST_SEQUENCE" "$STREAM_LAST_SEQUENCE" \
  "$text" >> "$LOG"
printf '%s' "$text"
"""


class Findings:
    """What is wrong, all of it: the rest is looked at too."""

    def __init__(self):
        self.found = []

    def expect(self, condition, message):
        if not condition:
            self.found.append(message)

    def look(self, work, *arguments):
        """Calls what ends the test when it fails; here it does not. Returns its result."""
        try:
            return work(*arguments)
        except SystemExit as failed:
            self.found.append(str(failed).removeprefix("FAILED: "))
            return None

    def end(self):
        shown = self.found[:20] + [f"and {len(self.found) - 20} more"] * (len(self.found) > 20)
        check(not self.found, "\n  ".join(["", *shown]) if len(shown) > 1 else "".join(shown))


class Producer:
    """Feeds numbered records with keys of its own to stream-put, and knows what was said of each. A program that ends as it
    may in an outage (74, 75) is started again. It must not say anything wrong: a record with - is not stored, nobody knows
    of one with ?, and of one without a line exit 75 says that it is not stored. Without an id no record is put twice. With
    one, each run gets the whole input from its beginning."""

    def __init__(self, address, name, *options, exactly_once=False):
        self.address, self.name = address, name
        self.options = [*options, *(("--producer", name) if exactly_once else ())]
        self.exactly_once = exactly_once
        self.fed = 0
        self.places = {}  # number: shard and sequence
        self.absent = set()
        self.unknown = set()
        self.ends = []
        self.may_be_killed = False
        self.messages = ""
        self.wrong = []
        self.over = threading.Event()
        self.changing = threading.Lock()
        self.start()
        self.feeder = threading.Thread(target=self.feed)
        self.feeder.start()

    def key(self, number):
        return f"{self.name}.{number % KEYS}"

    def data(self, number):
        return f"{self.key(number)} {number // KEYS} {number}"

    def start(self):
        self.first = self.next = 0 if self.exactly_once else self.fed
        self.process = subprocess.Popen(
            [program("stream-put"), self.address, "--key-field", "1", "--ack", *self.options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self.read, args=(self.process,))
        self.reader.start()
        self.errors = threading.Thread(target=self.read_errors, args=(self.process,))
        self.errors.start()

    def read(self, process):
        for line in process.stdout:
            number = self.next
            left, right = line.decode().rstrip("\n").split("\t", 1)
            if left == "?":
                self.unknown.add(number)
            elif left != "-":
                self.places[number] = (left, right)
            elif right != "already stored":
                self.absent.add(number)
            elif not self.exactly_once:
                self.wrong.append(f"{self.name}: {line!r}")
            self.next = number + 1

    def read_errors(self, process):
        for line in process.stderr:
            self.messages += line.decode(errors="replace")

    def feed(self):
        while not self.over.is_set() or self.fed == 0:
            if self.process.poll() is not None:
                self.note_end()
                self.start()
                if self.exactly_once:
                    self.write(range(self.fed))
            elif self.fed - self.next < MOST_UNANSWERED:
                numbers = range(self.fed, self.fed + TOGETHER)
                self.fed += TOGETHER
                self.write(numbers)
            self.over.wait(PAUSE)

    def write(self, numbers):
        try:
            self.process.stdin.write(b"".join(self.data(number).encode() + b"\n" for number in numbers))
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended

    def note_end(self):
        """What the end of the program says of the records that it has not acknowledged."""
        status = self.process.wait()
        self.reader.join()
        self.errors.join()
        self.ends.append(status)
        unsaid = set(range(self.next, self.fed))
        if status == UNKNOWN:
            self.unknown |= unsaid
        elif status == BUSY:
            self.absent |= unsaid
        elif status == -signal.SIGKILL and self.may_be_killed:
            self.unknown |= unsaid
        elif status != 0 or unsaid:
            self.unknown |= unsaid
            self.wrong.append(f"{self.name}: exit {status}, {len(unsaid)} records without a word: {self.messages[-1000:]}")

    def acknowledged(self):
        return self.next

    def late(self):
        """Records that may come after younger ones: when those were put, nobody knew of these. With an id a run ends what the
        one before it left."""
        return set() if self.exactly_once else {self.data(number) for number in self.unknown}

    def close(self, seconds=60):
        """Ends it. An input that was stored in part is put again until all of it is there, if it may be."""
        self.over.set()
        self.feeder.join(seconds)
        end = time.monotonic() + seconds
        while True:
            try:
                self.process.stdin.close()
            except OSError:
                pass
            try:
                self.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.wrong.append(f"{self.name}: stalled: {self.fed} records fed, word of {self.next}: {self.messages[-1000:]}")
                self.process.kill()
            self.note_end()
            if not self.exactly_once or self.ends[-1] not in (BUSY, UNKNOWN) or time.monotonic() > end:
                return
            self.start()
            self.write(range(self.fed))

    def check(self, found, findings):
        """`found`: the records of the stream."""
        for message in self.wrong:
            findings.expect(False, message)
        stored = collections.defaultdict(list)
        for record in found:
            if record["data"].startswith(self.name + "."):
                stored[int(record["data"].split()[2])].append((record["shard"], record["sequence"]))
        complete = self.exactly_once and self.ends[-1] == 0
        for number in range(self.fed):
            places = stored.get(number, [])
            what = f"{self.name}: record {number}"
            findings.expect(len(places) <= 1, f"{what} is there {len(places)} times: {places}")
            if number in self.places:
                findings.expect(self.places[number] in places, f"{what} was acknowledged at {self.places[number]}, is at {places}")
            elif complete:
                findings.expect(len(places) == 1, f"{what} is not there, and the producer has ended with 0")
            elif number in self.absent and not self.exactly_once:
                findings.expect(not places, f"{what} is at {places}, and exit 75 says that it is not stored")
        findings.expect(all(number < self.fed for number in stored), f"{self.name}: records that nobody has put")


def check_in_order(lines, late, findings, what):
    """The records of each key count up, but for those that may come late."""
    last = {}
    for line in lines:
        if line in late:
            continue
        key, number = line.split()[:2]
        findings.expect(int(number) > last.get(key, -1), f"{what}: {key} {number} comes after {last.get(key)}")
        last[key] = int(number)


def check_both_orders(found, late, findings, what):
    """The same of records, read as they come, and by their sequence numbers."""
    for order in (found, sorted(found, key=lambda record: int(record["sequence"]))):
        check_in_order([record["data"] for record in order], late, findings, what)


def all_late(producers):
    return set().union(*(producer.late() for producer in producers))


class Worker:
    """A `stream-get -c` with a command that logs, whose records go into another stream. One that ends as it may in an outage
    is started again."""

    def __init__(self, source, target, consumer, name, log, *options):
        self.name, self.log = name, log
        self.command = [source, "-c", consumer, "--worker", name, "--into", target, "--exec", INTO, *options]
        self.ends = collections.Counter()
        self.start()

    def start(self):
        self.program = Program("stream-get", *self.command, environment={"WORKER": self.name, "LOG": self.log})

    def tend(self, findings):
        if self.program.has_ended():
            status = self.program.process.returncode
            self.ends[f"{status} {self.program.messages().strip()[-200:]}"] += 1
            findings.expect(status in (BUSY, UNKNOWN, FENCED), f"worker {self.name}: exit {status}: {self.program.messages()}")
            self.start()

    def close(self, findings):
        self.program.process.terminate()
        findings.look(lambda: self.program.end(0, -15, BUSY, UNKNOWN, FENCED, seconds=40))


class Resharder(threading.Thread):
    """Splits and merges at random. In an outage a reshard may fail; what it says then is not known."""

    def __init__(self, address, randomness):
        super().__init__()
        self.address, self.randomness = address, randomness
        self.over = threading.Event()
        self.ends = []
        self.longest = 0.0  # seconds
        self.wrong = None

    def run(self):
        while not self.over.wait(self.randomness.random()):
            command = self.step()
            if command is None:
                continue
            begun = time.monotonic()
            done = subprocess.run([program("stream-reshard"), *command], capture_output=True, text=True)
            self.ends.append(done.returncode)
            self.longest = max(self.longest, time.monotonic() - begun)
            if done.returncode not in (0, UNKNOWN, BUSY):
                self.wrong = f"stream-reshard {command}: exit {done.returncode}: {done.stderr}"
                return

    def step(self):
        page = subprocess.run([program("stream-stats"), self.address, "--json", "--timeout", "5s"], capture_output=True)
        if page.returncode != 0:
            return None  # an outage
        found = [each for each in json.loads(page.stdout)["shards"] if each["open"]]
        found.sort(key=lambda shard: int(shard["first_hash_key"]))
        if len(found) < 3 or len(found) < 8 and self.randomness.random() < 0.5:
            return ["split", self.address, self.randomness.choice(found)["shard"]]
        place = self.randomness.randrange(len(found) - 1)
        return ["merge", self.address, found[place]["shard"], found[place + 1]["shard"]]


def read(address):
    """All records, as dictionaries."""
    return [json.loads(line) for line in run("stream-get", address, "--json").splitlines()]


def shards(address):
    return json.loads(run("stream-stats", address, "--json"))["shards"]


def check_tiles(address):
    """The open shards cover the hash keys, once."""
    following = 0
    for shard in sorted((s for s in shards(address) if s["open"]), key=lambda s: int(s["first_hash_key"])):
        check(int(shard["first_hash_key"]) == following, f"{shard['shard']} leaves a hole or overlaps")
        following = int(shard["last_hash_key"]) + 1
    check(following == 2**128, "the key space is not covered")


def wait_for_progress(producers, seconds=40, records=20):
    """Until each of them has got so many more acknowledgements."""
    marks = {producer: producer.acknowledged() + records for producer in producers}

    def behind():
        return [each.name for each, mark in marks.items() if each.acknowledged() < mark]

    end = time.monotonic() + seconds
    while behind():
        if time.monotonic() > end:
            messages = "; ".join(each.messages[-300:] for each in marks if each.name in behind())
            check(False, f"stalled: no {records} acknowledgements in {seconds} s of {', '.join(behind())}: {messages}")
        time.sleep(0.01)  # between two looks


def backlog(address):
    page = json.loads(run("stream-stats", address, "--json"))
    return next(each["backlog"] for each in page["consumers"] if each["consumer"] == "c")


def wait_for_workers(address, workers, findings, seconds):
    def is_done():
        for worker in workers:
            worker.tend(findings)
        return backlog(address) == 0

    wait_for(is_done, "the workers, which have stalled", seconds)


def check_stream(address, producers, findings):
    """Everything that was said of the stream is true. Returns its records."""
    found = findings.look(read, address) or []
    for producer in producers:
        producer.check(found, findings)
    check_both_orders(found, all_late(producers), findings, "read")
    findings.look(check_tiles, address)
    findings.look(lambda: run("stream-stats", address, "--verify"))
    return found


def check_processed(log, target, producers, found, findings):
    """All records went through the commands at least once, and into the target exactly once."""
    late = all_late(producers)
    counted = collections.Counter(record["data"].split()[0] for record in found)
    first = first_processed(log)
    check_in_order(first, late, findings, "processed first")
    done = collections.Counter(line.split()[0] for line in first)
    for key in counted:
        findings.expect(done[key] == counted[key], f"processed: {done[key]} records of {key}, not {counted[key]}")
    into = [record["data"] for record in findings.look(read, target) or []]
    findings.expect(sorted(into) == sorted(record["data"] for record in found), differing(found, into))
    check_in_order(into, late, findings, "into")
    findings.look(lambda: run("stream-stats", target, "--verify"))


def first_processed(log):
    """The records that went through a command, in the order in which each did first."""
    return list(dict.fromkeys(line for entry in entries(log) for line in entry.lines))


def differing(found, into):
    twice = [line for line, count in collections.Counter(into).items() if count > 1]
    missing = {record["data"] for record in found} - set(into)
    return f"into: {len(into)} records of {len(found)}: {len(twice)} twice ({twice[:3]}), {len(missing)} missing ({sorted(missing)[:3]})"
