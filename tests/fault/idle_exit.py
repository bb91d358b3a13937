"""Consumers and readers with --idle-exit under random load leave nothing behind that was there before their last look.

A reader is idle only when it has nothing to do, so its last look comes after its last work and the idle time. Whatever
was acknowledged by then has to be delivered; records that came later may be left to the next run.
"""

import concurrent.futures
import os
import random
import select
import subprocess
import threading
import time

from support import Folder, check, program, run, scale, seeded

RUNS = scale("SHARDLOG_RUNS", 60)
LANES = 4  # at the same time
RUNS_OF_A_STREAM = 25  # so that plain readers have little to read
IDLE = (0, 0.001, 0.005, 0.02, 0.04)  # seconds
PAUSES = (0, 0.002, 0.02, 0.3)  # at most; now and then longer than a command and the idle time together

# Logs the records, and when it was at work: /proc/uptime is rounded down, so never later than it really was.
COMMAND = r"""
while read -r line; do printf '%s\n' "$line"; printf '%s\n' "$line" >>"$LOG"; done
[ -z "$PAUSE" ] || sleep "$PAUSE"
read -r up rest </proc/uptime
printf '#%s\n' "$up" >>"$LOG"
"""


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)  # as /proc/uptime


class Producer:
    """Puts numbered records with random pauses, and knows when each of them was acknowledged."""

    def __init__(self, stream, randomness):
        self.acknowledged = []  # when, by number
        self.put = subprocess.Popen([program("stream-put"), stream, "--ack", "--key-field", "1"],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.randomness = randomness
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        while not self.stopping.wait(self.randomness.choice(PAUSES) * self.randomness.random()):
            self.put.stdin.write(b"%d\n" % len(self.acknowledged))
            self.put.stdin.flush()
            if not self.put.stdout.readline():
                return
            self.acknowledged.append(now())

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.put.stdin.close()
        status = self.put.wait()
        self.put.stdout.close()
        check(status == 0, f"stream-put: exit {status}")


def read_slowly(get, randomness):
    """All that it prints, and when the last of it was taken out of the pipe."""
    output, worked = b"", None
    while True:
        select.select([get.stdout], [], [])
        before = now()
        piece = os.read(get.stdout.fileno(), randomness.choice((10, 100, 65536)))
        if not piece:
            return output.splitlines(), worked
        worked = before
        output += piece
        time.sleep(randomness.choice((0, 0, 0.01)))  # a slow reader


class Lane:
    """One stream, one producer, and readers of all kinds, one after the other."""

    def __init__(self, folder, seed):
        self.folder, self.randomness = folder, random.Random(seed)
        self.stream, self.target, self.log = folder + "/stream", folder + "/target", folder + "/log"
        os.mkdir(folder)
        run("stream-create", self.stream, "--shards", "3")
        run("stream-create", self.target)
        self.delivered = {kind: set() for kind in ("exec", "into", "pipe")}
        self.later = 0

    def run_command(self, kind, options):
        open(self.log, "w").close()
        environment = {**os.environ, "LOG": self.log, "PAUSE": self.randomness.choice(("", "", "0.01", "0.05"))}
        into = ("--into", self.target) if kind == "into" else ()
        run("stream-get", self.stream, "-q", "-c", kind, "--exec", COMMAND, *into, *options, env=environment)
        with open(self.log, "rb") as log:
            lines = log.read().splitlines()
        times = [float(line[1:]) for line in lines if line.startswith(b"#")]
        records = [line for line in lines if not line.startswith(b"#")]
        return records, times[-1] if times else None

    def run_into_pipe(self, options):
        get = subprocess.Popen([program("stream-get"), self.stream, *options], stdout=subprocess.PIPE)
        records, worked = read_slowly(get, self.randomness)
        status = get.wait()
        get.stdout.close()
        check(status == 0, f"stream-get {options}: exit {status}")
        return records, worked

    def run_once(self, producer):
        kind = self.randomness.choice(("exec", "into", "pipe", "plain"))
        idle = self.randomness.choice(IDLE)
        options = ["-f", "--idle-exit", f"{round(idle * 1000)}ms"]
        if self.randomness.random() < 0.2:
            options += ["--poll", "10ms"]
        begun = now()
        if kind in ("exec", "into"):
            records, worked = self.run_command(kind, options + ["--batch", str(self.randomness.choice((10, 1000)))])
        else:
            records, worked = self.run_into_pipe(options + (["-q", "-c", kind] if kind == "pipe" else []))
        numbers = {int(record) for record in records}
        delivered = self.delivered[kind] if kind in self.delivered else set()
        check(not numbers & delivered, f"{kind}: delivered twice")
        delivered |= numbers
        last_look = (worked or begun) + idle
        times = list(producer.acknowledged)
        left = [n for n in range(len(times)) if n not in delivered]
        behind = [n for n in left if times[n] <= last_look]
        self.later += len(left)
        check(not behind, f"{kind} {options}: records {behind[:5]} were there before the last look and are left behind")

    def work(self, runs):
        producer = Producer(self.stream, random.Random(self.randomness.random()))
        try:
            for _ in range(runs):
                self.run_once(producer)
        finally:
            producer.stop()
        stored = run("stream-get", self.target).split()
        check(sorted(map(int, stored)) == sorted(self.delivered["into"]), "what was put into the target is not what was delivered")
        return runs, len(producer.acknowledged), self.later


def main():
    randomness = seeded()
    with Folder() as folder, concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
        sizes = [RUNS_OF_A_STREAM] * (RUNS // RUNS_OF_A_STREAM)
        sizes += [RUNS % RUNS_OF_A_STREAM] if RUNS % RUNS_OF_A_STREAM else []
        seeds = [randomness.random() for _ in sizes]
        begin = lambda lane: Lane(f"{folder}/{lane}", seeds[lane]).work(sizes[lane])
        done = [lane.result() for lane in [lanes.submit(begin, lane) for lane in range(len(sizes))]]
        runs, records, later = (sum(column) for column in zip(*done))
        check(records > runs // 4, "the producer did next to nothing")
        print(f"{runs} runs, {records} records: none was left behind; {later} came after a last look")


main()
