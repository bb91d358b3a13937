"""What a row of the table is, and the kinds of rows that several have."""

from typing import NamedTuple

import data
from measure import BEFORE, CLEAN, NOW, Goal, Pair, Side, at_most, in_turns, median, quartiles

RECORDED = []  # (name, title, function) of every row, in the order of the table


class Row(NamedTuple):
    values: list  # none if they could not be measured here; then the figures say why
    goal: Goal | None = None  # without one it is for comparison only
    what: str | None = None  # the title of the function, unless it is given
    sides: tuple = ()  # whose costs are shown beside it
    figures: str = ""


def row(title):
    """Registers a function that yields rows. Its name and its title choose it."""
    def register(function):
        RECORDED.append((function.__name__, title, function))
        return function
    return register


def speed(pair, goal=None, what=None, figures=""):
    rates = " against ".join(f"{median(side.rates()):,.0f}" for side in (pair.ours, pair.theirs)) + " MiB/s"
    return Row(pair.speed(), goal, what, (pair.ours, pair.theirs), "; ".join(filter(None, (rates, figures))))


def processor(pair, goal=None):
    return Row(pair.ratio("processor"), goal, "the same: processor time, as a multiple of theirs")


def written(side, goal):
    """Bytes that go to the disk for every byte of records."""
    values = side.each("written", 1 / side.size)
    return Row(values, goal, "the same: bytes written a byte", figures="" if values else "nobody counts what this disk writes")


def shown(pair, times, scale, unit):
    """Figures beside the costs of something short that was done so many times in each run."""
    flushes = f"; flushes {pair.texts(1 / times, 'each', 'flushes')}" if pair.ours.each("flushes") else ""
    return f"{pair.texts(scale / times, unit)}; processor {pair.texts(scale / times, unit, 'processor')}{flushes}"


def against_cat(command, file="lines", options="--compression none", shards=4):
    """A put against the least that a pipe and a copy on the disk cost."""
    data.file(file)
    return Pair(Side(command, NOW.fresh("s", shards, options), file),
                Side(f"cat {file} | cat > out; sync out", CLEAN, file))


def against_before(measure, what, goal=None):
    """`measure` returns a figure of the given programs. Without a goal it has to be as it was before, as far as noise lets
    one see: noise is the spread of the programs of before against themselves, measured in the same turns."""
    if BEFORE is None:
        return no_programs_of_before(what, goal)
    return within_noise(*in_turns(*(lambda each=each: measure(each) for each in (NOW, BEFORE, BEFORE))), what, goal)


def side_against_before(make, figure="seconds", what="time", goal=None):
    """The same for a figure of the costs of a side, which `make` makes of the given programs."""
    if BEFORE is None:
        return no_programs_of_before(what, goal)
    sides = [make(programs) for programs in (NOW, BEFORE, BEFORE)]
    in_turns(*(side.measure for side in sides))
    return within_noise(*(side.each(figure) for side in sides), what, goal, tuple(sides[:2]))


def before(what):
    return f"the same: {what}, against the programs of before"


def no_programs_of_before(what, goal):
    return Row([], goal, before(what), figures="$SHARDLOG_BENCH_BEFORE does not name their build")


def within_noise(now, then, again, what, goal, sides=()):
    noise = [b / a for a, b in zip(then, again)]
    lower, upper = quartiles(noise)
    return Row([a / b for a, b in zip(now, then)], goal or at_most(max(1.0, upper)), before(what), sides,
               f"before against itself {median(noise):.2f}, {lower:.2f} to {upper:.2f}")
