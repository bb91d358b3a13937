"""How time and memory grow with records, shards and sizes of records."""

import os

import data
from measure import MEBIBYTES, NOW, Pair, Side, at_least, at_most, median, peak_memory, run, seconds
from row import Row, row, speed

PUT, GET = NOW.put, NOW.get
RECORDS = int(os.environ.get("SHARDLOG_GROWTH", 100_000_000))
STEP = 10_000_000


def best(command, times=5):
    """Milliseconds, of a few runs the median."""
    return median([seconds(command) for _ in range(times)]) * 1000


def heading(*columns):
    print("\n" + " ".join(f"{column:>14}" for column in columns))


def line(*values):
    print(" ".join(f"{value:>14,.1f}" if isinstance(value, float) else f"{value:>14,}" for value in values), flush=True)


def newest_of(stream):
    return f"{GET} {stream} --from last:1 > /dev/null"


def describe(stream):
    """Opening and reading one record, in ms; reading the newest million, in million records a second; memory in MiB."""
    million = f"{GET} {stream} --from last:1000000 | cat > /dev/null"
    return best(newest_of(stream)), 1000 / best(million), peak_memory(f"{GET} {stream} > /dev/null")


def steps(target):
    """Fills the stream s up to `target` records: how many it has got, and the seconds they took, for each step."""
    run(NOW.fresh("s", 4))
    step = min(STEP, data.count(data.file("lines")))
    there = 0
    while there < target:
        part = min(target - there, step, 9 * there or 100_000)
        run("sync")
        yield part, seconds(f"head -n {part} lines | {PUT} s")
        there += part


def records():
    heading("records", "put M/s", "open ms", "get M/s", "get MiB")
    there, shown = 0, 100_000
    for part, took in steps(RECORDS):
        there += part
        if there >= shown:
            line(there, part / took / 1e6, *describe("s"))
            shown *= 10


@row("put 10 million records into a stream of 100 million, against a new one")
def put_large():
    """In turns, because a machine's speed drifts. Both find memory that was just in use: on a virtual machine what is
    taken for the first time costs more than the writing, and only a new stream would get that of the one before it."""
    there = sum(part for part, _ in steps(RECORDS))
    run(f"head -n {min(STEP, RECORDS)} lines > some")
    used = "rm -rf new; cat some some > used; rm used"
    pair = Pair(Side(f"{PUT} s < some", used, "some"), Side(f"{PUT} new < some", f"{used}; {NOW.fresh('new', 4)}", "some"))
    yield speed(pair, at_least(0.95), figures=f"{there:,} records before the first")
    opened = Pair(Side(newest_of("s"), file="some"), Side(newest_of("new"), file="some"), 50)
    yield Row(opened.ratio("seconds"), at_most(1.05), "the same: opening it and reading the newest record, time",
              figures=opened.texts(1000, "ms"))


def shards():
    heading("shards", "put M/s", "open ms", "get M/s", "put MiB")
    count = min(3_000_000, data.count(data.file("lines")))
    run(f"head -n {count} lines > some")
    for shards_there in (1, 10, 100, 1000):
        run(NOW.fresh("s", shards_there))
        took = seconds(f"{PUT} s --key-field 1 < some")
        opened, got, _ = describe("s")
        run(NOW.fresh("s", shards_there))
        line(shards_there, count / took / 1e6, opened, got, peak_memory(f"{PUT} s --key-field 1 < some"))


def sizes():
    heading("bytes", "put MiB/s", "open ms", "get MiB/s", "put MiB")
    for size in (10, 100, 1000, 10_000, 100_000, 1_000_000):
        count = max(10, min(5_000_000, (MEBIBYTES << 19) // size))
        with open("some", "wb") as file:
            noise = os.urandom(size - 1).translate(data.PRINTABLE) + b"\n"
            for _ in range(count):
                file.write(noise)
        mebibytes = os.path.getsize("some") / 1048576
        run(NOW.fresh("s", 4) + "; sync")
        took = seconds(f"{PUT} s < some")
        got = best(f"{GET} s | cat > /dev/null") / 1000
        opened = best(f"{GET} s --from last:1 > /dev/null")
        run(NOW.fresh("s", 4))
        line(size, mebibytes / took, opened, mebibytes / got, peak_memory(f"{PUT} s < some"))


def show():
    print("\nGrowth: one run each, 100-byte records where nothing else is said, not compressed")
    records()
    shards()
    sizes()
