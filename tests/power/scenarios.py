"""What programs are doing when the power is cut, and what must be there afterwards."""

import os

from programs import LargePut, stored_in
from scenario import Scenario, check_numbers, page
from support import check, check_dense_from_parents, records, run, verify


class SmallCommits(Scenario):
    """A commit for each 20 records, over four shards."""

    def start(self, programs):
        self.put_small(programs)


class LargeCommits(Scenario):
    """Commits to segments, from a new segment on, or one that is taken over."""

    def start(self, programs):
        programs.in_thread(self.put_large, programs)


class SeveralWriters(Scenario):
    """Large commits and small ones."""

    def start(self, programs):
        programs.in_thread(self.put_large, programs)
        programs.in_thread(self.put_large, programs)
        self.put_small(programs)
        self.put_small(programs)


class ProducerReruns(Scenario):
    """The same put again and again: its records are stored once, and stay if a rerun says that they are stored already."""

    LONGEST = 0.2

    def prepare(self):
        super().prepare()
        self.input = LargePut("producer", self.folder, 20_000)

    def options(self):
        return ["--producer", "p", *self.randomness.choice([[], ["--rate", "50000"]])]  # large commits, and small ones

    def start(self, programs):
        programs.in_thread(self.put_again, programs)

    def put_again(self, programs):
        while True:
            self.puts.append(self.input.again())
            self.puts[-1].run(programs, self.stream, *self.options())

    def check(self):
        verify(self.stream)
        stored = stored_in(self.stream)
        for put in self.puts:
            put.check(stored)
        run(*self.input.command(self.stream, *self.options()))
        after = stored_in(self.stream)
        check(after[:len(stored)] == stored, "the rerun has changed records")
        check(self.input.check(after) == self.input.count == len(after), f"after the rerun {len(after)} records of {self.input.count}")
        check_numbers(after)
        verify(self.stream)


class IntoAnotherStream(Scenario):
    """A consumer puts what it reads into another stream, exactly once, while its source grows and its writers are killed."""

    BATCH = ("--batch", "30")

    def prepare(self):
        super().prepare()
        run("stream-create", self.target, "--shards", "3", "--compression", "none")

    def start(self, programs):
        programs.in_thread(self.put_small_and_kill, programs)
        programs.in_thread(programs.succeeds, "stream-get", *self.consumer(), "--follow")

    def consumer(self):
        return [self.stream, "-c", "c", "--lease-duration", "1s", *self.BATCH, "--json", "--exec", "cat", "--into", self.target]

    def check(self):
        verify(self.target)
        self.check_puts()
        run("stream-get", *self.consumer(), timeout=60)
        source, target = ([data for _, _, data in stored_in(stream)] for stream in (self.stream, self.target))
        check(len(target) == len(set(target)), f"{len(target) - len(set(target))} of {len(target)} records are twice in the target")
        check(set(target) == set(source), f"missing: {len(set(source) - set(target))}, too many: {len(set(target) - set(source))}")
        verify(self.target)


class LargeIntoAnotherStream(IntoAnotherStream):
    """The same in commits that go to segments of the target."""

    BATCH = ("--batch", "100000", "--batch-bytes", "5MiB")

    def prepare(self):
        super().prepare()
        self.goes_on()

    def start(self, programs):
        programs.in_thread(self.put_large, programs)
        programs.in_thread(programs.succeeds, "stream-get", *self.consumer(), "--follow")


class Commands(Scenario):
    """The command of a consumer gets every record at least once, and no record that is lost afterwards."""

    def start(self, programs):
        programs.in_thread(self.put_small_and_kill, programs)
        programs.in_thread(programs.succeeds, "stream-get", *self.consumer(), "--follow")

    def consumer(self):
        return [self.stream, "-c", "c", "--lease-duration", "1s", "--batch", "30", "--exec", f"cat >> {self.folder}/delivered"]

    def check(self):
        self.check_puts()
        run("stream-get", *self.consumer(), timeout=60)
        with open(self.folder + "/delivered") as file:
            delivered = set(file.read().splitlines())
        stored = {data for _, _, data in stored_in(self.stream)}
        check(delivered == stored, f"lost after delivery: {len(delivered - stored)}, never delivered: {len(stored - delivered)}")


class Reshards(Scenario):
    """The number of shards changes under a writer."""

    def prepare(self):
        super().prepare()
        self.wanted = [4]  # every number of open shards that was asked for
        self.reached = 0  # the newest of which it was told that it is there

    def start(self, programs):
        self.put_small(programs)
        programs.in_thread(self.scale, programs)

    def scale(self, programs):
        while True:
            self.wanted.append(self.randomness.choice([count for count in range(1, 7) if count != self.wanted[-1]]))
            if programs.succeeds("stream-reshard", "scale", self.stream, str(self.wanted[-1])):
                self.reached = len(self.wanted) - 1

    def check(self):
        shards = page(self.stream, "--shards")["shards"]
        count = sum(shard["open"] for shard in shards)
        possible = self.wanted[self.reached:]
        # Half-way from one number to the next, shards may be cut wherever either of them has a border.
        most = max([possible[0]] + [one + other - 1 for one, other in zip(possible, possible[1:])])
        check(min(possible) <= count <= most, f"{count} open shards, of {possible}")
        self.wanted.append(count)
        self.reached = len(self.wanted) - 1
        stored = stored_in(self.stream)
        check(sum(put.check(stored) for put in self.puts) == len(stored), "there are records that nobody put")
        check_dense_from_parents(records(self.stream), shards)
        self.goes_on()


class TrimmedByBytes(Scenario):
    """A full stream of small commits, whose oldest records go."""

    BOUND = 64 * 1024
    OPTIONS = ("--max-bytes", str(BOUND), "--when-full", "trim", "--max-record-size", "1KiB")

    def start(self, programs):
        self.put_small(programs)

    def check(self):
        verify(self.stream)
        figures = page(self.stream)
        check(figures["bytes"] <= self.BOUND, f"it holds {figures['bytes']} bytes of at most {self.BOUND}")
        stored = stored_in(self.stream)
        for put in self.puts:
            put.check(stored, trimmed=True)
        check(stored or not self.puts[-1].acknowledged, "nothing is left")
        check_ends(self.puts, figures)
        run("stream-put", self.stream, input=b"afterwards\n")
        check(stored_in(self.stream)[-1][2] == "afterwards", "what comes next is not what is read last")
        verify(self.stream)


def segments_of(stream):
    return [name for name in os.listdir(stream) if name.startswith("stream.0")]


class TrimmedSegments(Scenario):
    """Segments go when the only consumer has passed them, and not before."""

    SHARDS = "1"
    OPTIONS = ("--retention", "consumed")

    def prepare(self):
        super().prepare()
        run("stream-get", self.stream, "-c", "c")
        self.removed = 0

    def start(self, programs):
        programs.in_thread(self.put_and_consume, programs)

    def put_and_consume(self, programs):
        while True:
            put = LargePut(self.new_name(), self.folder, 6_000)
            self.puts.append(put)
            before = set(segments_of(self.stream))
            put.run(programs, self.stream)
            self.removed += len(before - set(segments_of(self.stream)))
            if self.randomness.random() < 0.7:
                programs.succeeds("stream-get", self.stream, "-c", "c")

    def check(self):
        verify(self.stream)
        stored = stored_in(self.stream)
        for put in self.puts:
            put.check(stored, trimmed=True)
        figures = page(self.stream, "-c", "c")
        _, _, checkpoint = figures["consumers"][0]["shards"][0]["checkpoint"].partition("after:")
        checkpoint = int(checkpoint or 0)
        first = stored[0][1] if stored else checkpoint + 1
        check(first <= checkpoint + 1, f"it begins at {first}, and the consumer has only come to {checkpoint}")
        check([sequence for _, sequence, _ in stored] == list(range(first, first + len(stored))), "there are gaps")
        check_ends(self.puts, figures)
        self.goes_on()

    def summary(self):
        return f"{super().summary()}, {self.removed} segments removed"


def check_ends(puts, figures):
    """No shard ends before what was acknowledged."""
    ends = {shard["shard"]: shard["records"] + shard["trimmed_records"] for shard in figures["shards"]}
    for shard, sequence in (place for put in puts for place in put.acknowledged):
        check(sequence <= ends[shard], f"{shard} ends at {ends[shard]}, and {sequence} was acknowledged")


class Creations(Scenario):
    """Streams are created, changed, filled and removed."""

    def prepare(self):
        self.record = self.folder + "/record"
        with open(self.record, "w") as file:
            file.write("record\n")
        self.states = {}  # of each stream the newest thing that was begun, and whether it was told that it is done

    def start(self, programs):
        programs.in_thread(self.create_and_remove, programs)

    def create_and_remove(self, programs):
        while True:
            name = self.new_name()
            steps = [("created", "stream-create", name, "--shards", "2"),
                     ("changed", "stream-create", name, "--update", "--tag", "changed=yes"),
                     ("filled", "stream-put", name, self.record)]
            if self.randomness.random() < 0.5:
                steps.append(("removed", "stream-create", name, "--remove"))
            for step in steps:
                self.do(programs, *step)

    def do(self, programs, state, program, name, *arguments):
        self.states.setdefault(name, []).append([state, False])
        done = programs.succeeds(program, f"{self.root}/{name}", *arguments)
        self.states[name][-1][1] = done

    def check(self):
        for name, steps in self.states.items():
            begun, done = {state for state, _ in steps}, {state for state, is_done in steps if is_done}
            self.check_stream(f"{self.root}/{name}", begun, done)

    def check_stream(self, stream, begun, done):
        if not os.path.exists(stream):
            check("created" not in done or "removed" in begun, f"{stream} was created and is not there")
            return
        check("removed" not in done, f"{stream} was removed and is there")
        verify(stream)
        changed = page(stream)["tags"] == {"changed": "yes"}
        check(changed or "changed" not in done, f"{stream} was changed and is not")
        stored = [data for _, _, data in stored_in(stream)]
        check(stored == ["record"] or "filled" not in done and not stored, f"{stream}: stored are {stored}")

    def promises(self):
        return sum(is_done for steps in list(self.states.values()) for _, is_done in list(steps))

    def summary(self):
        return f"{self.promises()} steps done with {len(self.states)} streams"


SCENARIOS = [SmallCommits, LargeCommits, SeveralWriters, ProducerReruns, IntoAnotherStream, LargeIntoAnotherStream, Commands, Reshards,
             TrimmedByBytes, TrimmedSegments, Creations]
