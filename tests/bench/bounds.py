"""The rows of what has to stay small: the cost of one shard of many, memory, and a stream's directory."""

import os
import subprocess
import threading
import time

import data
from measure import MEBIBYTES, NOW, Pair, Side, at_most, median, peak_memory, run, seconds, times
from row import Row, row

PUT, GET, RESHARD = NOW.put, NOW.get, NOW.reshard


# --- shards ------------------------------------------------------------------------------------------------------------------


def one_shard(what):
    return Side(f"{NOW.bench('one_shard')} s {what}", file=None)


def shards_against_all(what):
    """A stream of 1,000 shards, of which `what` reads some, and all of them, 10 times."""
    run(f"rm -rf s; {NOW.bench('one_shard')} s make")
    return Pair(one_shard(what), one_shard("all"))


@row("1,000 readers of one shard each, against one of all 1,000: time")
def get_each_shard():
    pair = shards_against_all("each")
    yield Row([10 * ratio for ratio in pair.ratio("seconds")], at_most(3),
              figures=f"{median(pair.ours.each('seconds')):.2f} s against {median(pair.theirs.each('seconds', 0.1)):.2f}; "
                      f"processor {median(pair.ours.each('processor')):.2f} s against {median(pair.theirs.each('processor', 0.1)):.2f}")


@row("a reader of one shard of 1,000, against one of all: processor time")
def get_one_shard():
    pair = shards_against_all("one")
    page = seconds(f"{NOW.bench('one_shard')} s page")
    yield Row([ratio / 10 for ratio in pair.ratio("processor")], at_most(0.01),
              figures=f"{median(pair.ours.each('seconds', 10)):.1f} ms against {median(pair.theirs.each('seconds', 100)):.0f}; "
                      f"a page from its middle {page:.2f} ms")


@row("scale 1 to 10,000 shards and back: time a step, against 1,000")
def scale():
    many, few = times(10_000), times(1_000)

    def there_and_back(shards):
        return Side(f"{RESHARD} scale s {shards}; {RESHARD} scale s 1", NOW.fresh("s", 1), None)

    pair = Pair(there_and_back(many), there_and_back(few))
    yield Row([ratio * few / many for ratio in pair.ratio("seconds")], at_most(1.5),
              figures=f"{median(pair.ours.each('seconds', 1e6 / many / 2)):.0f} us a step, "
                      f"processor {median(pair.ours.each('processor', 1e6 / many / 2)):.0f}")


# --- memory ------------------------------------------------------------------------------------------------------------------


@row("memory of scaling to 10,000 shards and back, in MiB")
def memory_of_scaling():
    run(NOW.fresh("s", 1))
    sizes = [peak_memory(f"{RESHARD} scale s {shards}") for shards in (times(10_000), 1)]
    yield Row([max(sizes)], at_most(64), figures=f"there {sizes[0]:.0f}, back {sizes[1]:.0f}")


@row("memory of put and get, in MiB, 1,000 shards included")
def memory():
    data.file("lines")
    largest = {}
    for shards in (4, 1000):
        for options in ("--compression none", ""):
            run(NOW.fresh("s", shards, options))
            how = f"{shards} shards{'' if options else ', compressed'}"
            largest[f"put, {how}"] = peak_memory(f"{PUT} s --key-field 1 < lines")
            largest[f"get, {how}"] = peak_memory(f"{GET} s > /dev/null")
    yield Row([max(largest.values())], at_most(64), figures=", ".join(f"{name} {size:.0f}" for name, size in largest.items()))


# --- the directory -----------------------------------------------------------------------------------------------------------


LOG = 64 << 20


class Writer(threading.Thread):
    """Puts all lines `repeats` times, and counts what it has handed over."""

    def __init__(self, repeats):
        super().__init__()
        self.process = subprocess.Popen([PUT, "s"], stdin=subprocess.PIPE)
        self.repeats, self.fed = repeats, 0

    def run(self):
        with self.process.stdin as pipe, open("lines") as lines:
            for _ in range(self.repeats):
                offset = 0
                while sent := os.sendfile(pipe.fileno(), lines.fileno(), offset, 1 << 20):
                    offset += sent
                    self.fed += sent
        self.process.wait()


def size_on_disk(folder):
    size = 0
    for entry in os.scandir(folder):
        try:
            size += entry.stat().st_blocks * 512
        except FileNotFoundError:
            pass  # removed since it was listed
    return size


def samples(count):
    """Fills the stream s by `count` writers at once, with four times the lines in all: (seconds, bytes handed over, size of
    the directory), again and again."""
    writers = [Writer(4 // count) for _ in range(count)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        yield time.monotonic(), sum(writer.fed for writer in writers), size_on_disk("s")
        time.sleep(0.005)
    assert not any(writer.process.returncode for writer in writers), "a writer failed"


def bound(live, writers, segment):
    return 1.2 * live + (writers + 1) * segment + LOG


@row("directory with --max-bytes, 1 writer at full speed: largest size against the bound")
def bound_max_bytes():
    data.file("lines")
    limit = MEBIBYTES << 20
    segment = max(16 << 20, min(limit // 64, 128 << 20)) if limit >= 1 << 30 else 0
    for writers in (1, 4):
        run(NOW.fresh("s", 4, f"--compression none --max-bytes {limit} --when-full trim"))
        largest = max(size for _, _, size in samples(writers))
        yield Row([largest / bound(limit, writers, segment)], at_most(1), None if writers == 1 else "the same, 4 writers",
                  figures=f"{largest >> 20} MiB, of which {limit >> 20} may be records")


def live_at(history, retention):
    """Of each sample, what was handed over in the last `retention` seconds, and the size of the directory."""
    oldest = 0
    for now, fed, size in history:
        while history[oldest][0] < now - retention:
            oldest += 1
        yield fed - history[oldest][1], size


@row("directory with --retention 2s, 1 writer at full speed: largest size against the bound")
def bound_retention():
    data.file("lines")
    for writers in (1, 4):
        run(NOW.fresh("s", 4, "--compression none --retention 2s"))
        history = list(samples(writers))
        shares = [(size / bound(live, writers, 128 << 20), live, size) for live, size in live_at(history, 2)]
        share, live, size = max(shares)
        yield Row([share], at_most(1), None if writers == 1 else "the same, 4 writers",
                  figures=f"{size >> 20} MiB, when {live >> 20} were younger than the retention")
