"""How producers and consumers share the capacity of shards, with real processes at the limits of Kinesis.

Each line is one run of about 35 seconds: what was stored (or read) a second after the first ten, against what the limits
allow; the slowest process against the median; appends a second; what the first ten seconds stored, against ten seconds'
worth. The first ten include the burst of a second's worth that an idle shard gives at once."""

import collections
import datetime
import os
import random
import signal
import statistics
import subprocess
import time

from measure import NOW, QUICK, run

PUT, GET = NOW.put, NOW.get
SHARDS = 4
WARM = 1 if QUICK else 10
SECONDS = int(os.environ.get("SHARDLOG_CAPACITY_SECONDS", 20))


def keys_of_shards(stream):
    """A key for each shard."""
    keys = {}
    for number in range(1000):
        shown = subprocess.run([NOW.stats, stream, "--shard-for", f"k{number}"], check=True, capture_output=True)
        keys.setdefault(shown.stdout.split()[0], f"k{number}")
        if len(keys) == SHARDS:
            return list(keys.values())
    raise RuntimeError("no key for some shard")


def started(command):
    return subprocess.Popen(["bash", "-c", command], start_new_session=True, stdout=subprocess.DEVNULL)


def stop(processes):
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait()


def lines(path, producer, keys, size, count):
    """Each line is KEY TAB PRODUCER TAB FILLING, of `size` bytes with its key, as a stream counts them."""
    with open(path, "w") as file:
        for i in range(count):
            key = keys(i)
            start = f"{key}\t{producer}\t"
            file.write(start + "x" * (size - len(start) - len(key)) + "\n")


class Stored:
    """When what of which producer was stored, in seconds from the first arrival."""

    def __init__(self, stream):
        shown = subprocess.Popen([GET, stream, "--format", "{time} {shard} {data}"], stdout=subprocess.PIPE, text=True)
        self.rows = []  # (time, shard, producer, bytes)
        for row in shown.stdout:
            when, shard, data = row.rstrip("\n").split(" ", 2)
            key, producer, _ = data.split("\t", 2)
            self.rows.append((when, shard, producer, len(data) + len(key)))
        first = min(row[0] for row in self.rows)
        seconds = {when: (moment(when) - moment(first)).total_seconds() for when in {row[0] for row in self.rows}}
        self.rows = [(seconds[when], shard, producer, size) for when, shard, producer, size in self.rows]

    def between(self, start, end, weight):
        """Sums by shard and by producer."""
        shards, producers = collections.Counter(), collections.Counter()
        for when, shard, producer, size in self.rows:
            if start <= when < end:
                shards[shard] += size if weight == "bytes" else 1
                producers[producer] += size if weight == "bytes" else 1
        return shards, producers

    def appends(self, start, end):
        return len({when for when, _, _, _ in self.rows if start <= when < end})


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def keys_in_turn(keys):
    return lambda i: keys[i % len(keys)]


def random_keys(_):
    chance = random.Random(4711)
    return lambda _: f"u{chance.randrange(10_000)}"


def producing(file, options, policy):
    """A shell command that puts the file again and again; after a failure it waits for a second."""
    put = f"{PUT} s {options} --on-throttle {policy}" + (" --sample 20" if policy == "sample" else "")
    return f"while :; do while cat {file}; do :; done | {put} || sleep 1; done 2>/dev/null"


def measure(title, producers, keys, sizes, options="--key-field 1 -F '\\t'", policies=("block",), heaviest=False):
    """The producers take the sizes and the policies in turn."""
    run(NOW.fresh("s", SHARDS, "--limits kinesis"))
    of_shard = keys_of_shards("s")
    running = []
    for producer in range(producers):
        size = sizes[producer % len(sizes)]
        lines(f"in{producer}", f"p{producer}", keys(of_shard), size, max(16, 4 * 1024 * 1024 // size))
        running.append(started(producing(f"in{producer}", options, policies[producer % len(policies)])))
    time.sleep(WARM + SECONDS + 2)
    stop(running)
    stored = Stored("s")
    weight = "bytes" if max(sizes) > 1048 else "records"
    limit = 1024 * 1024 if weight == "bytes" else 1000
    shards, of_producer = stored.between(WARM, WARM + SECONDS, weight)
    first, _ = stored.between(0, WARM, weight)
    # What the shard with most of the load may store decides what a writer in order can store at all.
    nominal = limit * SHARDS if not heaviest else limit * sum(shards.values()) / max(shards.values())
    rates = [of_producer[f"p{producer}"] / SECONDS for producer in range(producers)]
    slowest = min(rates) / statistics.median(rates)
    print(f"{title:<52} {sum(shards.values()) / SECONDS / nominal:>7.3f} {slowest:>8.2f} "
          f"{stored.appends(WARM, WARM + SECONDS) / SECONDS:>9.1f} {sum(first.values()) / WARM / nominal:>7.2f}", flush=True)
    for index, kind in enumerate(policies if len(policies) > 1 else sizes if len(sizes) > 1 else ()):
        share = [rate * producers / sum(rates) for rate in rates[index::max(len(policies), len(sizes))]]
        print(f"    {kind:<10} {min(share):.2f} to {max(share):.2f} of an equal share")


def measure_reading(consumers):
    """Consumers of a stream that is full of records, at a limit of 1 MiB a second and shard."""
    run(NOW.fresh("s", SHARDS))
    size = 10_000
    lines("in", "p", keys_in_turn(keys_of_shards("s")), size, (WARM + SECONDS + 5) * SHARDS * 1024 * 1024 // size)
    run(f"{PUT} s in --key-field 1")
    run(f"{NOW.create} s --update --read-bytes 1MiB")
    for consumer in range(consumers):
        run(f"{GET} s -c c{consumer} -n 0 -q || true")
    running = [started(f"{GET} s -c c{consumer} -q > out{consumer}") for consumer in range(consumers)]
    sizes = []
    for pause in (WARM, SECONDS):
        time.sleep(pause)
        sizes.append([os.path.getsize(f"out{consumer}") for consumer in range(consumers)])
    stop(running)
    rates = [(after - before) / SECONDS for before, after in zip(*sizes)]
    share = sum(rates) / SHARDS / 1024 / 1024
    print(f"{f'{consumers} consumers read':<52} {share:>7.3f} {min(rates) / statistics.median(rates):>8.2f}", flush=True)


def show():
    print(f"\n{'what':<52} {'share':>7} {'slowest':>8} {'appends/s':>9} {'first':>7}")
    for size in (100, 10_000):
        for producers in (1, 10, 50):
            measure(f"{producers} producers, keys in turn, {size} bytes", producers, keys_in_turn, [size])
    for producers in (1, 10):
        measure(f"{producers} producers, 10,000 random keys", producers, random_keys, [100], heaviest=True)
    measure("10 producers without keys", 10, keys_in_turn, [100], options="")
    measure("4 producers, one with 1 MiB records", 4, keys_in_turn, [1024 * 1024, 100, 100, 100])
    measure("12 producers, four policies", 12, keys_in_turn, [100], policies=("block", "fail", "drop", "sample"))
    for consumers in (1, 10):
        measure_reading(consumers)
