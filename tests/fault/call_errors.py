"""Every call of a put, a read, a consumer, a reshard and a trim fails, one at a time, once or from then on. The exit status
tells the truth about what was stored, nothing acknowledged is lost, and the stream goes on afterwards. By default a sample
of three of them is tried; SHARDLOG_CALL_ERRORS=0 tries everything, and arguments choose scenarios."""

import json
import shutil
import subprocess
import sys
import threading

from injection import calls_made, faults_of, faults_of_file, outcomes, sampled, tracing
from support import Folder, check, parse_acknowledgements, program, records, run, scale, seeded, verify, wait_for

SAMPLE = scale("SHARDLOG_CALL_ERRORS", 6)
DATA = ["a", "b", "c"]  # each of them a commit of its own
DONE, DAMAGED, IO_ERROR, NOTHING_STORED = 0, 65, 74, 75


class Attempt:
    """One run of a program on a copy of the scenario's stream."""

    def __init__(self, scenario, folder, tracer):
        self.folder = folder
        self.stream = folder + "/stream"
        for name in scenario.streams:
            shutil.copytree(f"{scenario.template}/{name}", f"{folder}/{name}")
        self.command = [*tracer, program(scenario.program), *scenario.arguments(self)]

    def output(self):
        with open(self.folder + "/out", "a+") as file:
            file.seek(0)
            return file.read()

    def data(self, name="stream"):
        return [record["data"] for record in records(f"{self.folder}/{name}")]

    def goes_on(self):
        """Nothing is damaged, and a put works."""
        run("stream-put", self.stream, input=b"afterwards\n")
        check(self.data()[-1] == "afterwards", "a put is not what is read last")
        verify(self.stream)


class Scenario:
    """A program, what it is run on, and what must be true afterwards."""

    statuses = {DONE, IO_ERROR, NOTHING_STORED}
    streams = ["stream"]

    def make(self):
        for data in DATA:
            run("stream-put", self.template + "/stream", input=data.encode() + b"\n")

    def run(self, attempt):
        """Exit status and message."""
        with open(attempt.folder + "/out", "ab") as out:
            done = subprocess.run(attempt.command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stderr.decode()

    def prepare(self, folder):
        self.template = folder
        for name in self.streams:
            run("stream-create", f"{folder}/{name}", *self.create_options())
        self.make()

    def create_options(self):
        return []

    def faults_of_files(self):
        """Of calls that no other fault can be told to meet: those of other threads, and writes of output."""
        return []


class Put(Scenario):
    """Records that are put one after the other, the next when the one before is acknowledged."""

    program = "stream-put"

    def make(self):
        pass

    def arguments(self, attempt):
        return [attempt.stream, "--ack", "--timeout", "1s"]

    def run(self, attempt):
        process = subprocess.Popen(attempt.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        limit = threading.Timer(60, process.kill)
        limit.start()
        acknowledged = b""
        try:
            for data in DATA:
                process.stdin.write(data.encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
                acknowledged += line
                if not line:
                    break
            process.stdin.close()
        except BrokenPipeError:
            pass
        message = process.stderr.read().decode()
        acknowledged += process.stdout.read()
        status = process.wait()
        limit.cancel()
        attempt.acknowledged = parse_acknowledgements(acknowledged)
        return status, message

    def check(self, attempt, status):
        found = attempt.data()
        acknowledged = len(attempt.acknowledged)
        check(found == DATA[: len(found)], f"stored {found}")
        check(len(found) >= acknowledged, f"{acknowledged} acknowledged, {len(found)} stored")
        check(len(found) <= acknowledged + 1, f"{acknowledged} acknowledged, {len(found)} stored")
        if status == DONE:
            check(acknowledged == len(DATA), f"{acknowledged} acknowledged")
        if status == NOTHING_STORED:
            check(len(found) == acknowledged, f"{acknowledged} acknowledged, {len(found)} stored")
        attempt.goes_on()


class Producer(Scenario):
    """Exactly once: a second run stores what is missing, and nothing twice."""

    program = "stream-put"

    def make(self):
        for data in DATA:
            with open(f"{self.template}/{data}", "w") as file:
                file.write(data + "\n")

    def arguments(self, attempt):
        return [attempt.stream, "--producer", "p", "--timeout", "1s", *(f"{self.template}/{data}" for data in DATA)]

    def faults_of_files(self):
        return [fault for data in DATA for call in ("read", "openat")
                for fault in faults_of_file(call, f"{self.template}/{data}", ["EIO"], 2 if call == "read" else 1)]

    def check(self, attempt, status):
        check(status != DONE or attempt.data() == DATA, f"stored {attempt.data()}")
        run("stream-put", *self.arguments(attempt))
        check(attempt.data() == DATA, f"after a second run {attempt.data()}")
        attempt.goes_on()


class Trim(Put):
    """A put into a stream of which all is past retention."""

    def create_options(self):
        return ["--retention", "100ms"]

    def make(self):
        Scenario.make(self)
        wait_for(lambda: not records(self.template + "/stream"), "retention to pass")

    def check(self, attempt, status):
        # The records of the test itself expire too: only what the statistics say of the numbers can be compared.
        acknowledged = [int(sequence) for _, sequence in attempt.acknowledged]
        check(acknowledged == list(range(4, 4 + len(acknowledged))), f"acknowledged {acknowledged}")
        check(status != DONE or len(acknowledged) == len(DATA), f"{len(acknowledged)} acknowledged")
        (following,) = parse_acknowledgements(run("stream-put", attempt.stream, "--ack", input=b"afterwards\n"))
        stored = int(following[1]) - 4
        most = len(acknowledged) + (status == IO_ERROR)
        check(len(acknowledged) <= stored <= most, f"{len(acknowledged)} acknowledged, {stored} stored")
        verify(attempt.stream)


class Update(Scenario):
    """Settings are changed, what is past retention is removed, and space is given back."""

    program = "stream-create"

    def create_options(self):
        return ["--retention", "100ms"]

    def make(self):
        run("stream-put", self.template + "/stream", input=b"x" * 100 * 1024 + b"\n")
        wait_for(lambda: not records(self.template + "/stream"), "retention to pass")

    def arguments(self, attempt):
        return [attempt.stream, "--update", "--retention", "1h", "--tag", "changed=yes", "--timeout", "1s"]

    def check(self, attempt, status):
        settings = json.loads(run("stream-stats", attempt.stream, "--json"))
        changed = settings["tags"] == {"changed": "yes"}
        check(changed == (settings["retention_seconds"] == 3600), f"changed by halves: {settings}")
        check(changed or status != DONE, "not changed")
        check(not changed or status != NOTHING_STORED, "changed all the same")
        if changed:
            attempt.goes_on()
        verify(attempt.stream)


class Get(Scenario):
    """A read from the start to the end."""

    program = "stream-get"

    def faults_of_files(self):
        return faults_of_file("write", "out", ["EIO", "ENOSPC", "EDQUOT"], 3)

    def arguments(self, attempt):
        return [attempt.stream, "--timeout", "1s"]

    def check(self, attempt, status):
        lines = attempt.output().splitlines()
        check(lines == DATA[: len(lines)], f"read {lines}")
        check(status != DONE or lines == DATA, f"read {lines}")
        attempt.goes_on()


class Follow(Get):
    """The same, and then a wait for more."""

    def arguments(self, attempt):
        return [attempt.stream, "--timeout", "1s", "--follow", "--idle-exit", "10ms"]


class Consumer(Scenario):
    """Into a file: nothing is passed over, and after an exit of 0 nothing comes again."""

    program = "stream-get"

    def faults_of_files(self):
        return faults_of_file("write", "out", ["EIO", "ENOSPC", "EDQUOT"], 3)

    def arguments(self, attempt):
        return [attempt.stream, "--consumer", "c", "--timeout", "1s"]

    def check(self, attempt, status):
        first = attempt.output().splitlines()
        check(first == DATA[: len(first)], f"delivered {first}")
        check(status != DONE or first == DATA, f"delivered {first}")
        second = run("stream-get", *self.arguments(attempt)).decode().splitlines()
        check(set(first + second) == set(DATA), f"delivered {first}, then {second}")
        check(second == DATA[len(DATA) - len(second):], f"delivered {first}, then {second}")
        check(status != DONE or not second, f"delivered {second} again")
        attempt.goes_on()


class Exec(Scenario):
    """To a command, whose own calls fail too: at least once."""

    program = "stream-get"
    statuses = {DONE, 1, IO_ERROR, NOTHING_STORED}  # 1: the command failed, and with it what it was given

    def arguments(self, attempt):
        return [attempt.stream, "--consumer", "c", "--timeout", "1s", "--batch", "1", "--retries", "0",
                "--exec", f"cat >> {attempt.folder}/out"]

    def check(self, attempt, status):
        first = attempt.output().splitlines()
        check(status != DONE or set(first) == set(DATA), f"delivered {first}")
        run("stream-get", *self.arguments(attempt))
        both = attempt.output().splitlines()
        check(set(both) == set(DATA), f"delivered {first}, in all {both}")
        attempt.goes_on()


class Into(Exec):
    """What the command prints is stored in another stream, exactly once."""

    streams = ["stream", "target"]

    def arguments(self, attempt):
        return [attempt.stream, "--consumer", "c", "--timeout", "1s", "--batch", "1", "--retries", "0",
                "--exec", "cat", "--into", attempt.folder + "/target"]

    def check(self, attempt, status):
        first = attempt.data("target")
        check(status != DONE or first == DATA, f"stored {first}")
        run("stream-get", *self.arguments(attempt))
        both = attempt.data("target")
        check(both == DATA, f"stored {first}, in all {both}")
        attempt.goes_on()


class Reshard(Scenario):
    """Shards are split, or they are not."""

    program = "stream-reshard"

    def arguments(self, attempt):
        return ["scale", attempt.stream, "3", "--timeout", "1s"]

    def check(self, attempt, status):
        shards = json.loads(run("stream-stats", attempt.stream, "--json"))["shards"]
        open_shards = [shard for shard in shards if shard["open"]]
        check(status != DONE or len(open_shards) == 3, f"{len(open_shards)} open shards")
        check(sorted(attempt.data()) == DATA, f"stored {attempt.data()}")
        run("stream-reshard", "scale", attempt.stream, "3")
        attempt.goes_on()


def all_faults(scenario):
    with Folder() as folder:
        trace = folder + "/trace"
        attempt = Attempt(scenario, folder, tracing(trace))
        status, message = scenario.run(attempt)
        check(status == DONE, f"untroubled: exit {status}: {message}")
        scenario.check(attempt, status)
        return faults_of(calls_made(trace))


def attempted(scenario):
    def attempt(fault):
        with Folder() as folder:
            # The output is of each attempt.
            fault = fault._replace(path=folder + "/out") if fault.path == "out" else fault
            attempt = Attempt(scenario, folder, fault.options())
            status, message = scenario.run(attempt)
            said = f"{type(scenario).__name__}: {fault}: exit {status}: {message}"
            # What it cannot read SQLite takes for damage, here and there.
            statuses = scenario.statuses | ({DAMAGED} if fault.call == "pread64" else set())
            check(status in statuses, said)
            check(status == DONE or message.startswith(scenario.program + ": "), said)
            try:
                scenario.check(attempt, status)
            except SystemExit as failed:
                check(False, f"{said}{failed}")
            return status
    return attempt


def main():
    kinds = [Put, Producer, Trim, Update, Get, Follow, Consumer, Exec, Into, Reshard]
    if sys.argv[1:]:
        kinds = [kind for kind in kinds if kind.__name__ in sys.argv[1:]]
    elif SAMPLE:
        kinds = seeded().sample(kinds, 3)
    for kind in kinds:
        scenario = kind()
        with Folder() as folder:
            scenario.prepare(folder)
            faults = all_faults(scenario) + scenario.faults_of_files()
            found = outcomes(attempted(scenario), sampled(faults, SAMPLE))
            print(f"{kind.__name__}: {sum(found.values())} of {len(faults)} faults: exit statuses {found}", flush=True)


main()
