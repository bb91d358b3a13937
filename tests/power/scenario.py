"""What programs are doing when the power is cut, and what must be there afterwards: what all of the scenarios share."""

import itertools
import json

from programs import LargePut, SmallPut, stored_in
from support import check, check_dense, run, verify


def page(stream, *options):
    return json.loads(run("stream-stats", stream, "--json", *options))


def check_numbers(stored):
    """Of the records that stored_in() has found: 1, 2, 3 and so on in each shard."""
    check_dense({"shard": shard, "sequence": sequence} for shard, sequence, _ in stored)


class Scenario:
    """On one machine, on which nothing else runs. `folder` is on another disk, which has power all the time."""

    SHARDS = "4"
    OPTIONS = ()
    LONGEST = 0.5  # seconds until the cut

    def __init__(self, machine, folder, randomness):
        self.stream, self.target = (f"{machine.root}/{name}" for name in ("stream", "target"))
        self.root, self.folder, self.randomness = machine.root, folder, randomness
        self.numbers = itertools.count()
        self.puts = []

    def prepare(self):
        """Before the first cut."""
        run("stream-create", self.stream, "--shards", self.SHARDS, "--compression", "none", *self.OPTIONS)

    def start(self, programs):
        """Starts what is running when the power is cut. It may be started again after that, with nothing else between."""
        raise NotImplementedError

    def promises(self):
        """How many things the programs have promised since the beginning."""
        return sum(len(put.acknowledged) for put in self.puts)

    def check(self):
        """After the power has come back."""
        self.check_puts()

    def new_name(self):
        return f"run{next(self.numbers)}"

    def put_small(self, programs):
        self.puts.append(SmallPut(self.new_name()))
        programs.in_thread(self.puts[-1].run, programs, self.stream)

    def put_small_and_kill(self, programs):
        """One put after the other, each of which is killed: its last commit may be seen and not be on the disk."""
        while True:
            put = SmallPut(self.new_name())
            self.puts.append(put)
            put.run(programs, self.stream, lifetime=self.randomness.uniform(0, 0.1))

    def put_large(self, programs):
        """One after the other."""
        while True:
            put = LargePut(self.new_name(), self.folder)
            self.puts.append(put)
            put.run(programs, self.stream)

    def check_puts(self):
        stored = stored_in(self.stream)
        count = sum(put.check(stored) for put in self.puts)
        check(count == len(stored), f"{len(stored)} records, of which {count} were put")
        check_numbers(stored)
        self.goes_on()

    def goes_on(self):
        """Nothing is damaged, and the next put works, and leaves nothing that is of no use."""
        verify(self.stream)
        put = LargePut(self.new_name(), self.folder, 6_000)
        run(*put.command(self.stream), timeout=60)
        check(put.check(stored_in(self.stream)) == put.count, f"{put.name}: not all is there")
        self.puts.append(put)
        unused = [line for line in verify(self.stream).splitlines() if "note:" in line]
        check(not unused, f"after the next put: {unused}")

    def summary(self):
        return f"{self.promises()} records acknowledged"
