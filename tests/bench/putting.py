"""The rows of putting."""

import os
import subprocess
import time

import data
from measure import CLEAN, NOW, PAIRS, Pair, Side, at_least, at_most, in_turns, median, run, times
from row import Row, against_before, against_cat, processor, row, shown, side_against_before, speed, written

PUT = NOW.put
CAT = "cat lines | cat > out; sync out"


# --- large inputs ------------------------------------------------------------------------------------------------------------


@row("put lines, uncompressed, against cat | cat > out; sync out")
def put_lines():
    pair = against_cat(f"{PUT} s < lines")
    yield speed(pair, at_least(1.0))
    yield processor(pair, at_most(1.2))
    yield written(pair.ours, None)


@row("put lines out of a pipe: cat lines | stream-put, against cat | cat > out; sync out")
def put_pipe():
    yield speed(against_cat(f"cat lines | {PUT} s"))


def putters(count):
    """Puts the parts of the lines, all at once. Returns how long the slowest takes, as a multiple of the median."""
    start = time.monotonic()
    processes = {process.pid: process for process in
                 (subprocess.Popen(f"exec {PUT} s < part.{i:02}", shell=True) for i in range(count))}
    took = []
    while len(took) < count:
        pid, status = os.wait()
        took.append(time.monotonic() - start)
        processes[pid].returncode = status  # else it would be waited for again
        assert status == 0, "a producer failed"
    return max(took) / median(took)


def producers(count, goal=None):
    data.file("lines")
    run(f"split -n l/{count} -d lines part.")
    slowest = []

    def together():
        slowest.append(putters(count))

    pair = Pair(Side(together, NOW.fresh("s", 4)), Side(CAT, CLEAN))
    run("rm part.*")
    yield speed(pair, goal, figures=f"the slowest takes {median(slowest):.2f} times the median")


@row("4 producers together, against one cat | cat > out; sync out")
def put_4_producers():
    yield from producers(4, at_least(0.9))


@row("16 producers together, against one cat | cat > out; sync out")
def put_16_producers():
    yield from producers(16)


def millions(pair):
    return f"{pair.ours.size / data.LINE / median(pair.ours.each('seconds')) / 1e6:.2f} million records a second"


@row("put with --key-field, 64 shards, 10,000 keys, against cat | cat > out; sync out")
def put_key_field():
    pair = against_cat(f"{PUT} s --key-field 1 < lines", shards=64)
    yield speed(pair, at_least(0.5), figures=millions(pair))


@row("put with --key-json, 64 shards, 10,000 keys, against cat | cat > out; sync out")
def put_key_json():
    pair = against_cat(f"{PUT} s --key-json /user < json", "json", shards=64)
    yield speed(pair, at_least(0.33), figures=millions(pair))
    yield side_against_before(
        lambda programs: Side(f"{programs.put} s --key-json /user < json", programs.fresh("s", 64), "json"),
        "processor", "processor time", at_most(0.5))


@row("put JSON logs, compressed as is the default, against cat | cat > out; sync out")
def put_logs():
    pair = against_cat(f"{PUT} s < logs", "logs", "")
    yield speed(pair, at_least(0.75))
    yield written(pair.ours, at_most(1 / 3))


@row("put words, compressed as is the default, against cat | cat > out; sync out")
def put_words():
    pair = against_cat(f"{PUT} s < words", "words", "")
    yield speed(pair, at_least(0.5))
    yield written(pair.ours, at_most(0.45))


@row("put noise (the lines), compressed as is the default, against cat | cat > out; sync out")
def put_noise():
    yield speed(against_cat(f"{PUT} s < lines", options=""))


@row("put lines, 16 shards against 1")
def put_shards():
    data.file("lines")
    yield speed(Pair(Side(f"{PUT} s < lines", NOW.fresh("s", 16)), Side(f"{PUT} s < lines", NOW.fresh("s", 1))), at_least(0.9))


@row("put lines with --producer, against without")
def put_producer():
    data.file("lines")
    pair = Pair(Side(f"{PUT} s --producer p < lines", NOW.fresh("s", 4)), Side(f"{PUT} s < lines", NOW.fresh("s", 4)))
    yield speed(pair, at_least(0.8))


@row("put lines, against bare SQLite with blobs of 4 MiB")
def put_bare_sqlite():
    data.file("lines")
    yield speed(Pair(Side(f"{PUT} s < lines", NOW.fresh("s", 4)), Side(f"{NOW.bench('bare_sqlite')} db blobs < lines", CLEAN)))


# --- small commits -----------------------------------------------------------------------------------------------------------


@row("echo x | stream-put, whole process, against sqlite3 'insert': time")
def put_one():
    count = times(50)

    def ours(programs):
        return Side(f"for i in $(seq {count}); do echo x | {programs.put} s; done", programs.fresh("s", 4), None)

    theirs = f"for i in $(seq {count}); do echo x | sqlite3 db \"insert into t values('x')\"; done"
    pair = Pair(ours(NOW), Side(theirs, CLEAN + "; sqlite3 db 'pragma journal_mode=wal; create table t(x)'", None))
    yield Row(pair.ratio("seconds"), at_most(1.3), figures=shown(pair, count, 1000, "ms"))
    yield side_against_before(ours)


@row("one-record commits in one process, against bare SQLite")
def put_commits():
    count = times(10_000)
    run(f"head -n {count} {data.file('lines')} > some")

    def ours(programs):
        return Side(f"{programs.bench('one_by_one')} s < some", programs.fresh("s", 1), None)

    pair = Pair(ours(NOW), Side(f"{NOW.bench('bare_sqlite')} db lines < some", CLEAN, None))
    yield Row(pair.speed(), at_least(0.85), figures=shown(pair, count, 1e6, "us"))
    yield side_against_before(ours)


def beside_bulk(programs):
    """p99 in ms from a line's way into stream-put to its acknowledgement, while another one puts all the lines."""
    run(programs.fresh("s", 4) + "; sync")
    latencies = []
    with (subprocess.Popen([programs.put, "s", "--ack"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one,
          open("lines") as lines):
        commit(one)  # the first one starts it
        bulk = subprocess.Popen([programs.put, "s"], stdin=lines)
        while not latencies or bulk.poll() is None:
            latencies.append(commit(one))
        assert bulk.returncode == 0, "the bulk writer failed"
        one.stdin.close()
    return sorted(latencies)[len(latencies) * 99 // 100]


def commit(process):
    start = time.monotonic()
    os.write(process.stdin.fileno(), b"x\n")
    assert os.read(process.stdout.fileno(), 100), "not acknowledged"
    return (time.monotonic() - start) * 1000


@row("one-record commits beside a bulk writer: p99 in ms")
def put_beside_bulk():
    data.file("lines")
    yield Row([beside_bulk(NOW) for _ in range(PAIRS)])
    yield against_before(beside_bulk, "p99", at_most(1.2))


def syncs(programs):
    """How often a process that puts 1 MiB waits for the disk."""
    run(programs.fresh("s", 4) + f"; strace -f -qq -e trace=fsync,fdatasync -o calls {programs.put} s < some")
    with open("calls") as calls:
        return sum("sync(" in call for call in calls)


@row("put of 1 MiB, whole process: how often it syncs")
def put_mebibyte():
    run(f"head -c 1M {data.file('lines')} > some")
    side = Side(f"{PUT} s < some", NOW.fresh("s", 4), "some")
    in_turns(side.measure)
    flushes = f"; flushes of the disk {median(side.each('flushes')):.0f}" if side.each("flushes") else ""
    yield Row([float(syncs(NOW)) for _ in range(PAIRS)], figures=f"{median(side.each('seconds', 1000)):.1f} ms{flushes}")
    yield against_before(syncs, "syncs", at_most(1.0))
