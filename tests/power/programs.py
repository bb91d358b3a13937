"""Programs that run until the power is cut, and what they were told."""

import contextlib
import copy
import os
import subprocess
import threading

from machine import TOOLS
from support import check, parse_acknowledgements, program, run


class PowerIsOff(Exception):
    pass


class Programs:
    """The programs of the machine. Each of them, and what waits for it, is in a thread of its own."""

    def __init__(self, swallowed=None):
        """With `swallowed`, syncs of files whose paths match this pattern do nothing (swallow_syncs.cpp)."""
        self.environment = dict(os.environ)
        if swallowed is not None:
            self.environment |= {"LD_PRELOAD": str(TOOLS / "libswallow_syncs.so"), "SHARDLOG_SWALLOW": swallowed}
        self.lock = threading.Lock()
        self.is_on = True
        self.running = []
        self.threads = []
        self.failures = []

    def start(self, name, *arguments, **options):
        """A program of ours. Its messages are of no interest: a disk without power makes all of them fail."""
        with self.lock:
            if not self.is_on:
                raise PowerIsOff
            process = subprocess.Popen([program(name), *arguments], env=self.environment, stderr=subprocess.DEVNULL,
                                       **{"stdout": subprocess.DEVNULL, **options})
            self.running.append(process)
            return process

    def succeeds(self, name, *arguments, **options):
        """Runs a program to its end; false if the power was cut before that."""
        process = self.start(name, *arguments, **options)
        process.communicate()
        return process.returncode == 0

    def in_thread(self, work, *arguments):
        def until_power_is_off():
            try:
                work(*arguments)
            except PowerIsOff:
                pass
            except (Exception, SystemExit) as failed:
                self.failures.append(str(failed))

        thread = threading.Thread(target=until_power_is_off)
        self.threads.append(thread)
        thread.start()

    def are_running(self):
        return any(thread.is_alive() for thread in self.threads)

    def have_failed(self):
        """Whether one of them has ended with an error, not by a signal: the power is off, or a stream cannot be used."""
        with self.lock:
            return any((process.poll() or 0) > 0 for process in self.running)

    def end(self):
        """What runs when the power is cut has ended. Nothing of it may stay, or the file system could not be unmounted."""
        with self.lock:
            self.is_on = False
        for process in self.running:
            process.kill()
        for thread in self.threads:
            thread.join()
        for process in self.running:
            process.wait()
        check(not self.failures, "; ".join(self.failures))


def stored_in(stream, *options):
    """(shard, sequence, data) of all records, in commit order."""
    lines = run("stream-get", stream, "--format", "{shard}\t{sequence}\t{data}", *options).decode().splitlines()
    return [(shard, int(sequence), data) for shard, sequence, data in (line.split("\t", 2) for line in lines)]


STORED_EARLIER = None


def places_in(output):
    """Where the records are that were acknowledged, or that they were stored by an earlier run."""
    return [STORED_EARLIER if sequence == "already stored" else (shard, int(sequence))
            for shard, sequence in parse_acknowledgements(output)]


class Input:
    """The lines that one run of stream-put gets, and where it said that they are. Their number is a suffix of each."""

    def __init__(self, name, length):
        self.name, self.length = name, length
        self.acknowledged = []

    def line(self, number):
        return f"{self.name}-{number:0{self.length - len(self.name) - 2}d}"

    def lines(self, begin, end):
        return "".join(self.line(number) + "\n" for number in range(begin, end)).encode()

    def acknowledge(self, output):
        self.acknowledged += places_in(output)

    def check_stored(self, stored, chunk=1, trimmed=False):
        """The records of this run are the start of its input, each once, and what was acknowledged is among them. They
        are whole chunks, if it got the next chunk only after it had acknowledged the one before. With `trimmed`, the
        oldest records of each shard may be missing. Returns how many there are."""
        found = [(data, (shard, sequence)) for shard, sequence, data in stored if data.startswith(self.name + "-")]
        places = dict(found)
        check(len(places) == len(found), f"{self.name}: {len(found)} records, {len(places)} of them different")
        numbers = sorted(int(data.rsplit("-", 1)[1]) for data in places)
        end = numbers[-1] + 1 if numbers else 0
        check(set(numbers) == (self.untrimmed(numbers, end) if trimmed else set(range(end))), f"{self.name}: not all until {end} is there")
        acknowledged = len(self.acknowledged)
        check(end >= acknowledged or trimmed and not numbers, f"{self.name}: {acknowledged} acknowledged, {end} stored")
        check(end % chunk == 0, f"{self.name}: {end} records are stored, which are not whole commits of {chunk}")
        check(chunk == 1 or end <= acknowledged + chunk, f"{self.name}: {end} stored, {acknowledged} acknowledged")
        for number in numbers:
            self.check_place(number, places.get(self.line(number)))
        return len(numbers)

    @staticmethod
    def untrimmed(numbers, end):
        """What must be there if these are. Lines with the same last digit are in one shard: it is their key."""
        firsts = {}
        for number in numbers:
            firsts.setdefault(number % 10, number)
        return {number for first in firsts.values() for number in range(first, end, 10)}

    def check_place(self, number, place):
        check(place is not None, f"{self.name}: record {number} is not what was put")
        acknowledged = self.acknowledged[number] if number < len(self.acknowledged) else place
        check(acknowledged in (place, STORED_EARLIER), f"{self.name}: record {number} was acknowledged at {acknowledged}, and is at {place}")


class SmallPut(Input):
    """Gets the next chunk when the one before is acknowledged, so that each is a commit. Its keys are on all shards."""

    CHUNK = 20
    OPTIONS = ("--ack", "--key-regex", "[0-9]$")

    def __init__(self, name):
        super().__init__(name, 60)

    def run(self, programs, stream, lifetime=None):
        """Until the power is cut, or until the program is killed, this many seconds after its first acknowledgement."""
        put = programs.start("stream-put", stream, *self.OPTIONS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with contextlib.suppress(BrokenPipeError):
            self.put_chunks(put, lifetime)

    def put_chunks(self, put, lifetime):
        at = 0
        while True:
            # Fewer bytes than PIPE_BUF, which the pipe takes and gives as a whole.
            put.stdin.write(self.lines(at, at + self.CHUNK))
            put.stdin.flush()
            at += self.CHUNK
            while len(self.acknowledged) < at:
                line = put.stdout.readline()
                if not line.endswith(b"\n"):
                    return
                self.acknowledge(line)
            if lifetime and at == self.CHUNK:
                threading.Timer(lifetime, put.kill).start()

    def check(self, stored, trimmed=False):
        return self.check_stored(stored, self.CHUNK, trimmed)


class LargePut(Input):
    """Puts a file, most of it in commits that are so large that they go to segments."""

    COUNT = 12_000  # records of 1000 bytes: a put has its segment from 4 MiB on

    def __init__(self, name, folder, count=COUNT):
        super().__init__(name, 1000)
        self.count = count
        self.file = f"{folder}/{name}"
        with open(self.file, "wb") as file:
            file.write(self.lines(0, count))

    def again(self):
        """The same input, of which nothing is acknowledged yet."""
        other = copy.copy(self)
        other.acknowledged = []
        return other

    def command(self, stream, *options):
        return ["stream-put", stream, self.file, "--ack", "--key-regex", "[0-9]$", *options]

    def run(self, programs, stream, *options):
        put = programs.start(*self.command(stream, *options), stdout=subprocess.PIPE)
        rest = b""
        while output := os.read(put.stdout.fileno(), 2**20):
            rest += output
            end = rest.rfind(b"\n") + 1
            self.acknowledge(rest[:end])
            rest = rest[end:]

    def check(self, stored, trimmed=False):
        return self.check_stored(stored, trimmed=trimmed)
