"""Fifty workers of one consumer, one in ten killed every second: no shard has two owners in an epoch, all are owned again soon,
every record is processed, in the order of its key, and no checkpoint is beyond what was done."""

import threading
import time

from consumers import LOGGED, Owners, Producer, Worker, check_checkpoints, check_order, consumer, entries
from support import Folder, check, run, scale, seeded, wait_for

SECONDS = scale("SHARDLOG_SECONDS", 6)
WORKERS = scale("SHARDLOG_WORKERS", 50)
SHARDS = 64
KILLED_AT_ONCE = WORKERS // 10
LEASE = 2.0  # seconds
SLOW = LOGGED + "sleep 0.1"  # so that many are killed between the work and its checkpoint


class Group:
    def __init__(self, stream, log):
        self.stream = stream
        self.log = log
        self.workers = {}
        self.started = 0
        self.fenced = 0

    def add(self):
        self.started += 1
        worker = Worker(self.stream, "group", f"worker-{self.started}", self.log, "--follow", "--lease-duration", f"{LEASE}s",
                        "--batch", "50", command=SLOW)
        self.workers[worker.pid] = worker

    def kill(self, randomness):
        chosen = randomness.sample(sorted(self.workers), KILLED_AT_ONCE)
        for pid in chosen:
            self.workers.pop(pid).kill()
            self.add()

    def replace_fenced(self):
        """A machine that is busy enough makes a worker late: it has to go then, and nothing else may end one."""
        for pid, worker in list(self.workers.items()):
            if worker.process.poll() is not None:
                status, messages = worker.end()
                check(status == 76, f"{worker.name}: exit {status}: {messages}")
                self.fenced += 1
                del self.workers[pid]
                self.add()

    def processes(self):
        return [f"pid {pid}" for pid in self.workers]

    def owns_all(self, found):
        owners = [shard["owner"] for shard in found["shards"]]
        return len(owners) == SHARDS and all(owner and owner["process"] in self.processes() for owner in owners)

    def stop(self):
        for worker in self.workers.values():
            worker.process.terminate()
        for worker in self.workers.values():
            worker.stop()


def main():
    randomness = seeded()
    with Folder() as folder:
        stream, log = folder + "/stream", folder + "/log"
        run("stream-create", stream, "--shards", str(SHARDS))
        producer = Producer(stream, [f"key{i}" for i in range(256)])
        producer.add(1, randomness)
        run("stream-get", stream, "-c", "group", "--new", "--seek", "trim-horizon")
        group = Group(stream, log)
        owners = Owners()
        done = threading.Event()
        feeder = threading.Thread(target=producer.add_until, args=(done, 40, 0.2, randomness))
        try:
            for _ in range(WORKERS):
                group.add()
            wait_for(lambda: group.owns_all(consumer(stream, "group")), "owners of all shards")
            feeder.start()
            polls = 0

            def look():
                nonlocal polls
                polls += 1
                group.replace_fenced()
                found = consumer(stream, "group")
                owners.add_leases(found)
                check_checkpoints(found, entries(log))
                return found

            start = time.monotonic()
            for second in range(SECONDS):
                wait_for(lambda: look() and time.monotonic() >= start + second + 1, "a second")
                group.kill(randomness)
            killed = time.monotonic()
            wait_for(lambda: group.owns_all(look()), "owners after the last kill")
            took = time.monotonic() - killed
            check(took <= 2 * LEASE, f"all shards were owned only {took:.1f} s after the last kill")
            done.set()
            feeder.join()
            wait_for(lambda: look()["backlog"] == 0, "the end of the backlog")
            group.stop()
        finally:
            done.set()
            for worker in group.workers.values():
                worker.process.kill()
        producer.close()
        found = entries(log)
        owners.add_log(found)
        check_checkpoints(consumer(stream, "group"), found)
        lines = [line for entry in found for line in entry.lines]
        counts = check_order(lines, "processed")
        producer.check_all(counts, "processed")
        total = sum(counts.values())
        print(f"{SECONDS} s with {WORKERS} workers, {group.started - WORKERS} replaced, {group.fenced} of them fenced: {total} records, "
              f"{len(lines) - total} of them again, {len(owners.seen)} owners, {polls} looks, all owned after {took:.2f} s")


main()
