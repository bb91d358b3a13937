"""The rows of what the machine does at best. The yardsticks of other rows are among them, so that one can see how far these
depend on where the scheduler puts a command."""

import data
import machine
from measure import CLEAN, Side, in_turns
from row import Row, row


def pinned(pipe, prepare=None):
    """A pipe of two commands, wherever the scheduler puts them, each on a processor of its own, and both on one."""
    data.file("lines")
    one, *_, another = machine.processors() * 2
    places = {"": pipe, ", each on a processor": (f"taskset -c {one} {pipe[0]}", f"taskset -c {another} {pipe[1]}"),
              ", both on one processor": (f"taskset -c {one} {pipe[0]}", f"taskset -c {one} {pipe[1]}")}
    sides = [Side(" | ".join(commands), prepare) for commands in places.values()]
    in_turns(*(side.measure for side in sides))
    for place, side in zip(places, sides):
        yield Row(side.rates(), what=place and "the same" + place, sides=(side,))


@row("the machine: cat lines | cat > out; sync out, in MiB/s")
def machine_disk():
    yield from pinned(("cat lines", "cat > out; sync out"), CLEAN)


@row("the machine: cat lines | cat > /dev/null, in MiB/s")
def machine_pipe():
    yield from pinned(("cat lines", "cat > /dev/null"))
