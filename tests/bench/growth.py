"""How time and memory grow with records, shards, sizes of records and producers."""

import os
import time

import data
from measure import Pair, fresh, median, peak_memory, program, run, seconds, spread

PUT = program("stream-put")
GET = program("stream-get")
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


def records():
    heading("records", "put M/s", "open ms", "get M/s", "get MiB")
    run(fresh("s", 4))
    data.lines("step", min(STEP, RECORDS) * data.LINE // 1048576 + 1)
    there, target = 0, 100_000
    while target <= RECORDS:
        while there < target:
            part = min(target - there, STEP)
            run("sync")
            rate = part / seconds(f"head -n {part} step | {PUT} s") / 1e6
            there += part
        line(there, rate, *describe("s"))
        target *= 10
    against_new(there)


def against_new(there):
    """In turns, because a machine's speed drifts. Both find memory that was just in use: on a virtual machine what is
    taken for the first time costs more than the writing, and only a new stream would get that of the one before it."""
    part = min(STEP, RECORDS)
    run(f"head -n {part} step > some")
    used = "rm -rf new; cat some some > used; rm used"
    put = Pair(f"{PUT} s < some", f"{PUT} new < some", used, f"{used}; {fresh('new', 4)}").speed_ratio()
    opened = Pair(newest_of("s"), newest_of("new"), pairs=50).time_ratio()
    print(f"\nWith {there:,} records and more, against a new stream, in turns:")
    print(f"putting {part:,} records: {median(put):.2f} times as fast ({spread(put)}; goal 0.9)")
    print(f"opening and reading the newest: {median(opened):.2f} times as long ({spread(opened)})", flush=True)


def shards():
    heading("shards", "put M/s", "open ms", "get M/s", "put MiB")
    run("head -n 3000000 step > some")
    for count in (1, 10, 100, 1000):
        run(fresh("s", count))
        took = seconds(f"{PUT} s --key-field 1 < some")
        opened, got, _ = describe("s")
        run(fresh("s", count))
        line(count, 3 / took, opened, got, peak_memory(f"{PUT} s --key-field 1 < some"))


def sizes():
    heading("bytes", "put MiB/s", "open ms", "get MiB/s", "put MiB")
    for size in (10, 100, 1000, 10_000, 100_000, 1_000_000):
        count = max(100, min(5_000_000, 500_000_000 // size))
        with open("some", "wb") as file:
            noise = os.urandom(size - 1).translate(data.PRINTABLE) + b"\n"
            for _ in range(count):
                file.write(noise)
        mebibytes = os.path.getsize("some") / 1048576
        run(fresh("s", 4) + "; sync")
        took = seconds(f"{PUT} s < some")
        got = best(f"{GET} s | cat > /dev/null") / 1000
        opened = best(f"{GET} s --from last:1 > /dev/null")
        run(fresh("s", 4))
        line(size, mebibytes / took, opened, mebibytes / got, peak_memory(f"{PUT} s < some"))


def producers():
    heading("producers", "put M/s")
    run("head -n 4800000 step > some")
    for count in (1, 2, 4, 8, 16):
        run(fresh("s", 4) + f"; split -n l/{count} -d some part.; sync")
        start = time.monotonic()
        run("for f in part.*; do " + PUT + " s < $f & pids=\"${pids:-} $!\"; done; for p in $pids; do wait $p; done")
        line(count, 4.8 / (time.monotonic() - start))
        run("rm part.*")


def show():
    print("\nGrowth: one run each, 100-byte records where nothing else is said, not compressed")
    records()
    shards()
    sizes()
    producers()
