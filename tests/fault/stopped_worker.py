"""Workers stopped beyond their lease, while another takes over and goes on: they change nothing when they wake, and say who
has taken over."""

import random
import signal
import threading
import time

from consumers import Owners, Producer, Worker, check_checkpoints, check_order, check_once, consumer, entries
from support import Folder, check, records, run, scale, seeded, stopped, verify, wait_for

STOPS = scale("SHARDLOG_STOPS", 50)
PAIRS = 5  # consumers with two workers each, side by side
LEASE = "600ms"  # on a busy machine a shorter one is lost without a stop

# What is put into the target differs from run to run. It has the order of its batches.
INTO = r"""
text=
while read -r line; do text="$text$line $WORKER
"; done
printf '#%s %s %s %s %s\n%s' "$WORKER" "$STREAM_SHARD" "$STREAM_FENCE" "$STREAM_FIRST_SEQUENCE" "$STREAM_LAST_SEQUENCE" \
  "$text" >> "$LOG"
printf '%s' "$text"
"""


def holds_lock(pid):
    """Within a commit, or where SQLite begins to read: it would hold up all others."""
    def exclusive(fields):
        in_database = fields[1] == "POSIX" and fields[3] == "WRITE" and fields[6] != "128"  # which says that it is there
        return int(fields[4]) == pid and (fields[1] == "FLOCK" or in_database)

    with open("/proc/locks") as locks:
        return any(exclusive(fields) for fields in map(str.split, locks) if fields[1] != "->")



class Pair(threading.Thread):
    """A worker that owns the one shard, another that waits, and a stop of the owner again and again."""

    def __init__(self, folder, stream, number, stops, randomness):
        super().__init__()
        self.stream = stream
        self.consumer = f"pair-{number}"
        self.target = f"{folder}/target-{number}"
        self.log = f"{folder}/log-{number}"
        self.stops = stops
        self.randomness = randomness
        self.started = 0
        self.in_commit = 0
        self.owners = Owners()
        self.error = None
        run("stream-create", self.target)
        run("stream-get", stream, "-c", self.consumer, "--new", "--seek", "trim-horizon")
        self.workers = {}
        self.add()
        self.add()

    def add(self):
        self.started += 1
        name = f"{self.consumer}-{self.started}"
        self.workers[name] = Worker(self.stream, self.consumer, name, self.log, "--follow", "--lease-duration", LEASE, "--batch", "20",
                                    "--into", self.target, command=INTO)

    def look(self):
        found = consumer(self.stream, self.consumer)
        self.owners.add_leases(found)
        return found

    def lease(self):
        return self.look()["shards"][0]

    def owner(self):
        owner = self.lease()["owner"]
        return self.workers.get(owner["worker"]) if owner else None

    def stop_owner(self):
        wait_for(lambda: self.owner() is not None, f"an owner of {self.consumer}")
        while True:
            time.sleep(self.randomness.random() * 0.03)  # not a wait for anything: the moment of the stop
            owner = self.owner()
            if owner is None:
                continue
            owner.process.send_signal(signal.SIGSTOP)
            wait_for(lambda: stopped(owner.pid), "the stop")
            if not holds_lock(owner.pid):
                return owner
            self.in_commit += 1
            owner.process.send_signal(signal.SIGCONT)

    def one_stop(self):
        paused = self.stop_owner()
        before = self.lease()
        if not before["owner"] or before["owner"]["worker"] != paused.name:
            paused.process.send_signal(signal.SIGCONT)  # it was no longer the owner: nothing to see
            return False
        wait_for(lambda: self.lease()["owner"] and self.lease()["owner"]["worker"] != paused.name, "a new owner")
        # It goes on: its checkpoint moves.
        wait_for(lambda: self.lease()["checkpoint"] != before["checkpoint"], "the new owner to go on")
        taken = self.lease()
        check(taken["epoch"] > before["epoch"], f"the epoch did not grow: {before} {taken}")
        paused.process.send_signal(signal.SIGCONT)
        status, messages = paused.end()
        del self.workers[paused.name]
        check(status == 76, f"the stopped worker: exit {status}: {messages}")
        by = taken["owner"]["worker"]
        check("taken over" in messages and by in messages, f"it does not say that {by} has taken over: {messages}")
        after = self.lease()
        check(after["owner"] == taken["owner"] and after["epoch"] == taken["epoch"], f"it changed the lease: {taken} {after}")
        check(sequence(after) >= sequence(taken), f"it changed the checkpoint: {taken} {after}")
        self.add()
        return True

    def run(self):
        try:
            stops = 0
            while stops < self.stops:
                stops += self.one_stop()
        except SystemExit as failed:
            self.error = failed

    def finish(self, producer):
        wait_for(lambda: self.look()["backlog"] == 0, "the end of the backlog")
        for worker in self.workers.values():
            worker.process.terminate()
        for worker in self.workers.values():
            worker.stop()
        found = entries(self.log)
        self.owners.add_log(found)
        check_checkpoints(self.look(), found)
        producer.check_all(check_order([line for entry in found for line in entry.lines], "processed"), "processed")
        put = [record["data"] for record in records(self.target)]
        producer.check_all(check_once(put, "put"), "put")
        verify(self.target)
        return len(put)


def sequence(lease):
    return int(lease["checkpoint"].removeprefix("after:"))


def main():
    randomness = seeded()
    with Folder() as folder:
        stream = folder + "/stream"
        run("stream-create", stream)
        producer = Producer(stream, ["a", "b", "c"])
        done = threading.Event()
        feeder = threading.Thread(target=producer.add_until, args=(done, 5, 0.05, randomness))
        pairs = [Pair(folder, stream, number, STOPS // PAIRS, random.Random(randomness.random())) for number in range(PAIRS)]
        try:
            feeder.start()
            for pair in pairs:
                pair.start()
            for pair in pairs:
                pair.join()
            done.set()
            feeder.join()
            for pair in pairs:
                if pair.error:
                    raise pair.error
            put = sum(pair.finish(producer) for pair in pairs)
        finally:
            done.set()
            for pair in pairs:
                for worker in pair.workers.values():
                    worker.process.kill()
        producer.close()
        verify(stream)
        print(f"{sum(pair.stops for pair in pairs)} stops, {sum(pair.in_commit for pair in pairs)} more fell into a commit: "
              f"{put} records put once")


main()
