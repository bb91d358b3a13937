"""Two workers that cannot be told from each other: the same name, and as seen from within the same process id, host and boot, as
clones of one machine have them; and two on machines of their own. While both live none takes shards from the other, and every
record is processed once. When one is killed, the other one has its shards within two lease durations, and the rest of what
was on its way."""

import json
import os
import subprocess
import time

from faults import own_name
from load import LOGGED, Findings, entries, read
from nodes import Nodes, Program
from support import Folder, beside_each_other, check, run, scale, seeded, wait_for

ROUNDS = scale("SHARDLOG_ROUNDS", 1)
LEASE = 2.0  # seconds
LIVING = 3 * LEASE  # for which nobody may take anything
SLACK = 1.0  # seconds, for starting commands on a busy machine
SHARDS = 4


class Feeder:
    """Puts a record with each of many keys, again and again, so that every shard gets some."""

    def __init__(self, stream):
        self.put = Program("stream-put", stream, "--key-field", "1")
        self.count = 0

    def add(self):
        self.put.give(b"".join(b"k%d %d\n" % (key, self.count) for key in range(4 * SHARDS)))
        self.count += 1


def consumer(stream):
    return json.loads(run("stream-stats", stream, "--json"))["consumers"][0]


def epochs(stream):
    return {each["shard"]: each["epoch"] for each in consumer(stream)["shards"]}


def worker(stream, log, mark, before):
    return Program("stream-get", stream, "-c", "c", "--worker", "clone", "--follow", "--lease-duration", f"{LEASE}s", "--batch", "10",
                   "--exec", LOGGED, given=b"", environment={"WORKER": mark, "LOG": log}, before=before)


def workers_of(log):
    """Which worker had each shard last."""
    return {entry.shard: entry.worker for entry in entries(log)}


def test(nodes, name, folder, before):
    """`before` starts each of the two workers on a machine of its own, so to speak."""
    stream, log = nodes.address(name), f"{folder}/{name}.log"
    run("stream-create", stream, "--shards", str(SHARDS))
    run("stream-get", stream, "-c", "c", "--new", "--seek", "trim-horizon")
    feeder = Feeder(stream)

    def feed_until(condition, what, seconds):
        end = time.monotonic() + seconds
        while not condition():
            check(time.monotonic() < end, f"{name}: waited {seconds} s in vain for {what}")
            feeder.add()
            time.sleep(0.05)  # between two looks

    marks = ("a", "b")
    workers = {mark: worker(stream, log, mark, before(mark)) for mark in marks}
    try:
        feed_until(lambda: sorted(workers_of(log).values()) == sorted(2 * marks), "two shards for each worker", 10 * LEASE)
        held = epochs(stream)
        end = time.monotonic() + LIVING
        feed_until(lambda: time.monotonic() > end, "the time in which nothing is taken", 2 * LIVING)
        check(epochs(stream) == held, f"{name}: a live worker was robbed: epochs {held}, then {epochs(stream)}")
        for mark, each in workers.items():
            check(not each.has_ended(), f"{name}: worker {mark} has ended: {each.messages()}")
        kill(workers["a"])
        killed = time.monotonic()
        before_kill = len(entries(log))
        taken = {shard for shard, mark in workers_of(log).items() if mark == "a"}
        feed_until(lambda: taken <= {entry.shard for entry in entries(log)[before_kill:] if entry.worker == "b"},
                   f"worker b to take {taken}", 4 * LEASE + SLACK)
        took = time.monotonic() - killed
        feeder.put.end()
        wait_for(lambda: consumer(stream)["backlog"] == 0, f"{name}: the end of the backlog", 10 * LEASE)
    finally:
        for each in workers.values():
            kill(each)
        feeder.put.kill()
    findings = Findings()
    findings.expect(took <= 2 * LEASE + SLACK, f"the takeover took {took:.1f} s, lease {LEASE} s")
    done = [line for entry in entries(log) for line in entry.lines]
    stored = [record["data"] for record in read(stream)]
    findings.expect(set(done) == set(stored), f"{len(set(done))} of {len(stored)} records were processed")
    # Only what was on its way when one was killed may come again: one batch for each of its shards.
    findings.expect(len(done) - len(set(done)) <= 10 * len(taken), f"{len(done) - len(set(done))} records were processed twice")
    return [f"{name}: {each}" for each in findings.found], took


def kill(started):
    """With what it was started by: the namespace ends with its first process."""
    for child in children(started.process.pid):
        try:
            os.kill(child, 9)
        except ProcessLookupError:
            pass
    started.kill()


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(each) for each in file.read().split()]
    except FileNotFoundError:
        return []


def same_machine(mark):
    return []


def clone(mark):
    """The same process id, host and boot."""
    return ["unshare", "--pid", "--fork", "--kill-child", "--uts", "--mount", "--mount-proc"]


def other_machine(folder):
    def machine(mark):
        """Another boot, and another host."""
        boot = f"{folder}/boot-{mark}"
        with open(boot, "w") as file:
            file.write(f"{mark * 8}-0000-4000-8000-000000000000\n".replace("b", "c"))
        return [*clone(mark), "sh", "-c",
                f'mount --bind "{boot}" /proc/sys/kernel/random/boot_id && hostname machine-{mark} && exec "$0" "$@"']

    return machine


def can_clone(before):
    return subprocess.run([*before, "true"], capture_output=True).returncode == 0


def main():
    seeded()
    with Nodes() as nodes, Folder() as folder:
        machines = {"same": same_machine, "clone": clone, "other": other_machine(folder)}
        possible = {name: before for name, before in machines.items() if can_clone(before("a"))}
        for name in machines.keys() - possible.keys():
            print(f"SKIPPED: {name}: no namespaces here")
        names = [(name, number) for number in range(ROUNDS) for name in possible]
        results = beside_each_other(lambda each: test(nodes, own_name(f"{each[0]}-{each[1]}"), folder, possible[each[0]]), names)
        findings = [each for found, _ in results for each in found]
        check(not findings, "".join(f"\n  {each}" for each in findings))
        print(f"{len(results)} pairs ({', '.join(possible)}): takeovers after {', '.join(f'{took:.1f} s' for _, took in results)}")


main()
