"""What it costs to measure: instructions, syncs and latency, against the programs of before."""

import os
import re
import subprocess

from getting import follow_latencies
from line import Line, lines, not_measured
from measure import BEFORE, NOW, PAIRS, QUICK, in_turns, median, quartiles, run, times

LINES = 2_000 if QUICK else 100_000
COMMITS = times(4_000)
ROUNDS = 1 if QUICK else 3
MOST = 0.02  # how much more it may be
CALLGRIND = "valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file=log"
STRACE = "strace -f -qq -e trace=fsync,fdatasync -o log"


def counted():
    """What the tool that was in front of a program has written: instructions in user mode, or syncs."""
    with open("log") as log:
        text = log.read()
    collected = re.search(r"Collected : (\d+)", text)
    return int(collected[1]) if collected else len(re.findall(r"\b(?:fsync|fdatasync)\(", text))


def put_lines(programs, tool):
    run(f"{programs.fresh('s', 4)}; {tool} {programs.put} s < some")


def put_one_by_one(programs, tool):
    """Each record is put when the one before is acknowledged, so that it has a commit of its own."""
    run(programs.fresh("s", 4))
    command = [*tool.split(), programs.put, "s", "--ack"]
    put = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for number in range(COMMITS):
        os.write(put.stdin.fileno(), b"a line of some length %d\n" % number)
        assert put.stdout.readline(), "stream-put ended early"
    put.stdin.close()
    assert put.wait() == 0, "stream-put failed"


def get_all(programs, tool):
    run(f"{tool} {programs.get} s > /dev/null")


def follow(programs, tool):
    """Long enough for the reader to write what it has measured."""
    run(f"{tool} {programs.get} s --follow --idle-exit 2s > /dev/null")


def counts(programs, tool, *steps):
    """Of the steps one after the other, on the same stream."""
    result = []
    for step in steps:
        step(programs, tool)
        result.append(counted())
    return result


def compared(tool, names, steps):
    """For each step: what it is, our counts, and those of before."""
    ours, theirs = in_turns(*(lambda each=each: counts(each, tool, *steps) for each in (NOW, BEFORE)), rounds=ROUNDS)
    return zip(names, zip(*ours), zip(*theirs))


def instruction_lines(names, steps):
    if BEFORE is None:
        yield from (not_measured(f"instructions: {name}", "<= + 2 %", "there is no $SHARDLOG_BENCH_BEFORE") for name in names)
        return
    for name, ours, theirs in compared(CALLGRIND, names, steps):
        more = median(ours) / median(theirs) - 1
        noise = max(theirs) / min(theirs) - 1
        yield Line(f"instructions: {name}", f"{more:+.1%}", "<= + 2 %", more <= MOST,
                   f"{median(ours) / 1e6:,.1f} million against {median(theirs) / 1e6:,.1f}; those of before differ by {noise:.1%}")


def sync_lines(names, steps):
    if BEFORE is None:
        yield from (not_measured(f"syncs: {name}", "none more", "there is no $SHARDLOG_BENCH_BEFORE") for name in names)
        return
    for name, ours, theirs in compared(STRACE, names, steps):
        more = median(ours) - median(theirs)
        yield Line(f"syncs: {name}", f"{more:+.0f}", "none more", more <= 0, f"{median(ours):,.0f} against {median(theirs):,.0f}")


def follow_line():
    """Noise is the spread of the programs of before against themselves, in the same turns."""
    what, goal = "put to get --follow: p50, against before", "<= noise"
    if BEFORE is None:
        return not_measured(what, goal, "there is no $SHARDLOG_BENCH_BEFORE")
    count = times(1000)
    now, then, again = in_turns(*(lambda each=each: median(follow_latencies(each, count)) for each in (NOW, BEFORE, BEFORE)))
    ratio = median([a / b for a, b in zip(now, then)])
    lower, upper = quartiles([b / a for a, b in zip(then, again)])
    return Line(what, f"{ratio:.3f}", goal, ratio <= max(1.0, upper),
                f"{median(now):.3f} ms against {median(then):.3f}; before against itself {lower:.3f} to {upper:.3f}")


@lines("what measuring costs")
def cost():
    if BEFORE is not None:
        run(f"seq -f %099g {LINES} > some")
    many, few = f"{LINES:,} lines", f"{COMMITS:,} commits of one record"
    yield from instruction_lines([f"put of {many}", f"get of {many}"], [put_lines, get_all])
    yield from instruction_lines([f"put of {few}, with --ack", f"get of {few}"], [put_one_by_one, get_all])
    yield from sync_lines([f"put of {many}", f"get of {many}", f"get --follow of {many}"], [put_lines, get_all, follow])
    yield from sync_lines([f"put of {few}, with --ack", f"get of {few}", f"get --follow of {few}"],
                          [put_one_by_one, get_all, follow])
    yield follow_line()
