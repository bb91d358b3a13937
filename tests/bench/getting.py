"""The rows of getting and following."""

import os
import socket
import subprocess
import time

import data
from measure import BEFORE, NOW, PAIRS, Pair, Side, at_least, at_most, in_turns, median, run, times
from row import Row, against_before, row, side_against_before, speed

PUT, GET = NOW.put, NOW.get


# --- getting -----------------------------------------------------------------------------------------------------------------


def stored(file, options, programs=NOW):
    data.file(file)
    run(programs.fresh("s", 4, options) + f"; {programs.put} s < {file}")


def into_pipe(file, options):
    stored(file, options)
    return Pair(Side(f"{GET} s | cat > /dev/null", file=file), Side(f"cat {file} | cat > /dev/null", file=file))


@row("get lines | cat, uncompressed, against cat | cat")
def get_lines():
    yield speed(into_pipe("lines", "--compression none"), at_least(1.8))


@row("get words | cat, compressed as is the default, against cat | cat")
def get_words():
    yield speed(into_pipe("words", ""), at_least(0.6))


@row("get JSON logs | cat, compressed as is the default, against cat | cat")
def get_logs():
    yield speed(into_pipe("logs", ""), at_least(0.7))


def into_socket(command):
    """A command whose output goes into a socket, that is read as fast as it can be."""
    def function():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            reader = subprocess.Popen(["cat"], stdin=theirs, stdout=subprocess.DEVNULL)
            writer = subprocess.Popen(command.split(), stdout=ours)
        assert writer.wait() == 0 and reader.wait() == 0, command
    return function


def elsewhere(into, prepare=None):
    """`into` makes a command that writes to somewhere out of one that writes to standard output."""
    stored("lines", "--compression none")
    yield speed(Pair(Side(into(f"{GET} s"), prepare), Side(into("cat lines"), prepare)))
    if BEFORE is not None:
        run("mv s now; " + BEFORE.fresh("before", 4) + f"; {BEFORE.put} before < lines")
    yield side_against_before(lambda programs: Side(into(f"{programs.get} {'now' if programs is NOW else 'before'}"), prepare))
    run("rm -rf now before")


@row("get lines > out, uncompressed, against cat lines > out")
def get_file():
    yield from elsewhere(lambda command: f"{command} > out", "rm -f out")


@row("get lines into a socket, uncompressed, against cat lines into one")
def get_socket():
    yield from elsewhere(into_socket)


@row("get lines > /dev/null, uncompressed, against cat lines > /dev/null")
def get_null():
    yield from elsewhere(lambda command: f"{command} > /dev/null")


@row("open a stream and read its newest record, in ms")
def get_opening():
    count = times(50)
    data.file("lines")

    def opening(programs):
        command = f"for i in $(seq {count}); do {programs.get} s --from last:1 > /dev/null; done"
        return Side(command, programs.fresh("s", 4) + f"; head -n 1000 lines | {programs.put} s", None)

    side = opening(NOW)
    in_turns(side.measure)
    yield Row(side.each("seconds", 1000 / count), figures=f"processor {median(side.each('processor', 1000 / count)):.2f} ms")
    yield side_against_before(opening)


# --- following ---------------------------------------------------------------------------------------------------------------


def follow_latencies(programs, count):
    """Milliseconds from a line's way into stream-put to its way out of stream-get --follow, one line at a time, sorted."""
    run(programs.fresh("s", 4))
    return latencies_between([programs.put, "s"], [programs.get, "s", "--follow"], count)


def latencies_between(putter, getter, count):
    """The same of any two commands. The getter has begun when the first line has come."""
    get = subprocess.Popen(getter, stdout=subprocess.PIPE)
    put = subprocess.Popen(putter, stdin=subprocess.PIPE)
    latencies = []
    for i in range(count + 10):
        time.sleep(0.002)  # an idle machine
        start = time.monotonic()
        os.write(put.stdin.fileno(), b"%d\n" % i)
        os.read(get.stdout.fileno(), 100)
        latencies.append((time.monotonic() - start) * 1000)
    put.stdin.close()
    put.wait()
    get.terminate()
    get.wait()
    return sorted(latencies[10:])  # the first ones start the programs


@row("put to get --follow, idle machine: p50 in ms, sync included")
def follow():
    count = times(1000)
    runs = [follow_latencies(NOW, count) for _ in range(PAIRS)]
    yield Row([median(each) for each in runs], at_most(0.5))
    yield Row([each[count * 99 // 100] for each in runs], at_most(2), "the same: p99 in ms")
    yield against_before(lambda programs: median(follow_latencies(programs, count)), "p50")


@row("put lines with a follower beside it, against without")
def follow_bulk():
    count = data.count(data.file("lines"))
    late = []

    def with_follower():
        follower = subprocess.Popen(f"{GET} s --follow --count {count} | cat > /dev/null", shell=True)
        start = time.monotonic()
        producer = subprocess.Popen(f"exec {PUT} s < lines", shell=True)
        assert producer.wait() == 0, "the producer failed"
        ended = time.monotonic()
        assert follower.wait() == 0, "the follower failed"
        late.append((time.monotonic() - ended) * 1000)
        return ended - start

    pair = Pair(Side(with_follower, NOW.fresh("s", 4)), Side(f"{PUT} s < lines", NOW.fresh("s", 4)))
    yield speed(pair, at_least(0.75), figures=f"caught up {median(late):.0f} ms after the producer's end (goal 100)")
