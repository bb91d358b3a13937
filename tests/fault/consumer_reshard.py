"""A group of workers, which come and go, reads a stream that is resharded at random beside its producers: every record is
processed, in the order of its key, parents before their children, and in the end only open shards have a lease."""

from consumers import Owners, Worker, check_checkpoints, consumer, entries
from resharding import PRODUCERS, Producer, random_step, shards
from support import Folder, check, run, scale, seeded, verify, wait_for

STEPS = scale("SHARDLOG_RESHARDS", 60)
WORKERS = 4
RATE = 100  # records a second of each producer


class Group:
    def __init__(self, stream, log):
        self.stream, self.log = stream, log
        self.workers = []
        self.started = 0

    def add(self):
        self.started += 1
        self.workers.append(Worker(self.stream, "group", f"worker-{self.started}", self.log, "--follow", "--lease-duration", "2s",
                                   "--batch", "100"))

    def replace(self, randomness):
        """One leaves as it should, or is killed, and a new one comes."""
        worker = self.workers.pop(randomness.randrange(len(self.workers)))
        if randomness.random() < 0.5:
            worker.stop()
        else:
            worker.kill()
        self.add()


def check_processed(found, producers):
    """The first time that a record is processed, all that its producer put under its key before are done."""
    last, done = {}, set()
    again = 0
    for entry in found:
        for line in entry.lines:
            key, number = line.split()
            number = int(number)
            if (key, number) in done:
                again += 1
                continue
            # A producer has two keys, and counts over both.
            expected = last.get(key, int(key.removeprefix("key")) // PRODUCERS - 2) + 2
            check(number == expected, f"{key} {number} where {expected} was next")
            last[key] = number
            done.add((key, number))
    total = sum(producer.count for producer in producers)
    check(len(done) == total, f"{len(done)} records processed, not {total}")
    return again


def check_parents_first(found, shards_at_end):
    """By the log: nothing new of a shard once one of its children has begun."""
    begun, done = set(), {}
    parents_of_begun = set()
    lineage = {shard["shard"]: shard["parents"] for shard in shards_at_end}
    for entry in found:
        if entry.last > done.get(entry.shard, 0):
            check(entry.shard not in parents_of_begun, f"{entry.shard} goes on after its child has begun")
            done[entry.shard] = entry.last
        if entry.shard not in begun:
            begun.add(entry.shard)
            parents_of_begun.update(lineage[entry.shard])


def main():
    randomness = seeded()
    with Folder() as folder:
        stream, log = folder + "/stream", folder + "/log"
        run("stream-create", stream, "--shards", "4")
        run("stream-get", stream, "-c", "group", "--new", "--seek", "trim-horizon")
        group = Group(stream, log)
        producers = [Producer(stream, number, "--rate", str(RATE)) for number in range(PRODUCERS)]
        try:
            for _ in range(WORKERS):
                group.add()
            for producer in producers:
                producer.start()
            owners = Owners()
            found = shards(stream)
            for step in range(STEPS):
                found = random_step(randomness, stream, found)
                if step % 5 == 4:
                    group.replace(randomness)
                owners.add_leases(consumer(stream, "group"))
            for producer in producers:
                producer.going.clear()
            for producer in producers:
                producer.join()
            # The last leases of closed shards go away with their end, which comes behind their last record.
            open_shards = [shard["shard"] for shard in shards(stream) if shard["open"]]
            wait_for(lambda: [lease["shard"] for lease in consumer(stream, "group")["shards"]] == open_shards,
                     "leases of the open shards alone")
            wait_for(lambda: consumer(stream, "group")["backlog"] == 0, "the end of the backlog")
            for worker in group.workers:
                worker.process.terminate()
            for worker in group.workers:
                worker.stop()
        finally:
            for producer in producers:
                producer.going.clear()
            for worker in group.workers:
                worker.process.kill()
        done = entries(log)
        owners.add_log(done)
        check_checkpoints(consumer(stream, "group"), done)
        again = check_processed(done, producers)
        check_parents_first(done, shards(stream))
        verify(stream)
        print(f"{STEPS} reshards beside {PRODUCERS} producers and {WORKERS} workers, {group.started - WORKERS} replaced: "
              f"{sum(producer.count for producer in producers)} records, {again} of them again, {len(found)} shards at the end")


main()
