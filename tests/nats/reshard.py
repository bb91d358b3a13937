"""A reshard that is killed, or paused beyond the duplicate window, between any two of its messages to the servers is completed by
whoever comes next. A writer that was paused so says nothing wrong, a batch that comes into a shard after its end is not
delivered, and an update of the subjects that comes late is undone. $SHARDLOG_FAULTS says how often each fault, in reshards and
in writers, at steps that are chosen at random; the named cases come once."""

from faults import KINDS, WINDOW, Fault, own_name, run_cases, wait_beyond_window
from load import Findings, Producer, check_stream, read, wait_for_progress
from nodes import Nodes, Program, Running
from proxy import Proxy
from support import check, run, scale, seeded, wait_for

FAULTS = scale("SHARDLOG_FAULTS", 1)
PATIENCE = 20  # seconds that the others may take to go on
INTENT, UPDATE, MARKER = r"^slc\.", r"STREAM\.UPDATE", r"\.end$"


class Case:
    """One stream, a writer that is not disturbed, and one process whose messages go through a proxy."""

    def __init__(self, nodes, name):
        self.nodes, self.name = nodes, name
        self.stream = nodes.address(name, WINDOW)
        self.findings = Findings()
        run("stream-create", self.stream, "--shards", "2")

    def __enter__(self):
        self.writer = Producer(self.stream, "w")
        self.proxy = Proxy(self.nodes.ports).__enter__()
        self.begun = []
        return self

    def __exit__(self, kind, error, _):
        for each in self.begun:
            each.kill()
        self.writer.close(seconds=PATIENCE)
        self.proxy.__exit__()
        if kind is SystemExit:
            self.findings.expect(False, str(error).removeprefix("FAILED: "))
        return kind is SystemExit

    def disturbed(self):
        return self.proxy.address(self.name, WINDOW)

    def begin(self, *command, **options):
        self.begun.append(Program(*command, **options))
        return self.begun[-1]

    def reshard(self, *command):
        run("stream-reshard", *command)

    def ends(self, reshard):
        """It has done it or found it done, or finds that the shard is closed already, or the outage was too long for it."""
        self.findings.look(lambda: reshard.end(0, 64, 74, 75, seconds=PATIENCE))

    def goes_on(self):
        wait_for_progress([self.writer], PATIENCE)

    def finish(self, *producers):
        """Checks all that was said of the stream."""
        check_stream(self.stream, [self.writer, *producers], self.findings)
        return self.findings.found


def disturb_reshard(nodes, name, kind, pattern, number):
    with Case(nodes, name) as case:
        fault = Fault(case.proxy, kind, pattern, number)
        disturbed = case.begin("stream-reshard", "split", case.disturbed(), "0", given=b"")
        fault.strike(disturbed)
        case.goes_on()
        case.reshard("split", case.stream, "1")  # completes what was begun
        case.goes_on()
        wait_beyond_window()
        fault.end()
        if not fault.kills:
            case.ends(disturbed)
        case.goes_on()
        case.reshard("scale", case.stream, "2")
        case.goes_on()
    return case.finish()


def disturb_writer(nodes, name, kind, number):
    """A producer whose number-th batch is disturbed while the shards are changed."""
    with Case(nodes, name) as case:
        other = Producer(case.disturbed(), "other")
        try:
            wait_for_progress([other], PATIENCE)
            fault = Fault(case.proxy, kind, r"^sl\..*\._$", number)
            other.may_be_killed = fault.kills
            fault.strike(Running(other.process, "stream-put"))
            case.reshard("scale", case.stream, "3")
            wait_beyond_window()
            case.reshard("scale", case.stream, "2")
            case.goes_on()
            fault.end()
            wait_for_progress([other], PATIENCE)
        finally:
            other.close(seconds=PATIENCE)
    return case.finish(other)


def late_update(nodes, name):
    """A paused process lets the data stream take an older epoch again, after others have gone on. Whoever writes next undoes that."""
    with Case(nodes, name) as case:
        data = nodes.data_stream(name)
        late = case.proxy.catch(UPDATE)
        paused = case.begin("stream-reshard", "split", case.disturbed(), "0", given=b"")
        late.wait()
        paused.pause()
        case.goes_on()
        case.reshard("split", case.stream, "1")
        newest = nodes.info(data)["config"]["subjects"]
        late.let_go()
        wait_for(lambda: nodes.info(data)["config"]["subjects"] != newest, "the late update", PATIENCE)
        case.goes_on()
        check(nodes.info(data)["config"]["subjects"] == newest, "the late update was not undone")
        paused.go_on()
        case.ends(paused)
        case.goes_on()
    return case.finish()


def void_batch(nodes, name):
    """A batch comes into a shard after its end: by a late update, and a writer that was paused before it. It is not delivered
    there; the writer puts it elsewhere."""
    with Case(nodes, name) as case, Proxy(nodes.ports) as second:
        data = nodes.data_stream(name)
        late = case.proxy.catch(UPDATE)
        resharder = case.begin("stream-reshard", "split", case.disturbed(), "0", given=b"")
        late.wait()
        resharder.pause()
        case.goes_on()  # the reshard is done: hash key 0 is in shard 2
        epoch = nodes.info(data)["config"]["subjects"]
        batch = second.catch(r"^sl\.")
        writer = case.begin("stream-put", second.address(name, WINDOW), "--ack", "-k", "late", "--hash-key", "0",
                            given=b"late 0 late\n")
        batch.wait()
        writer.pause()
        case.reshard("split", case.stream, "2")
        wait_beyond_window()
        undisturbed = Running(case.writer.process, "stream-put")
        undisturbed.pause()  # otherwise it undoes the update before the batch has come
        late.let_go()
        wait_for(lambda: nodes.info(data)["config"]["subjects"] == epoch, "the late update", PATIENCE)
        before = nodes.info(data)["state"]["last_seq"]
        batch.let_go()
        wait_for(lambda: nodes.info(data)["state"]["last_seq"] > before, "the batch in the shard that has ended", PATIENCE)
        undisturbed.go_on()
        writer.go_on()
        said = writer.end(seconds=PATIENCE).decode().split()
        resharder.go_on()
        case.ends(resharder)
        case.goes_on()
        found = [(each["shard"], each["sequence"]) for each in read(case.stream) if each["data"] == "late 0 late"]
        check(found == [tuple(said)], f"the late record is at {found}, acknowledged at {said}")
        followed = run("stream-get", case.stream, "--shard", "0", "--shard", "1", "--descendants").decode().splitlines()
        check(followed.count("late 0 late") == 1, "the late record is delivered more than once")
    return case.finish()


def steps_of(nodes, name):
    """The subjects to which a reshard publishes."""
    with Case(nodes, name) as case:
        case.begin("stream-reshard", "split", case.disturbed(), "0", given=b"").end()
        subjects = list(case.proxy.subjects)
    check(not case.finish(), "a reshard without a fault fails")
    return subjects


def main():
    randomness = seeded()
    with Nodes() as nodes:
        subjects = steps_of(nodes, own_name("steps"))
        cases = [(late_update, ()), (void_batch, ())]
        for pattern in (INTENT, UPDATE, MARKER):
            cases += [(disturb_reshard, (kind, pattern, 1)) for kind in ("killed after", "paused after")]
        for kind in KINDS:
            for _ in range(FAULTS):
                cases.append((disturb_reshard, (kind, "", randomness.randint(1, len(subjects)))))
                cases.append((disturb_writer, (kind, randomness.randint(1, 5))))
        run_cases(nodes, cases)
        print(f"{len(cases)} faults in reshards of {len(subjects)} messages, and in writers beside them")


main()
