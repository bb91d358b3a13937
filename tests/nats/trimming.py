"""What retention removes: nothing too early where a trimmer's clock is wrong by an hour, and each record once where a trimmer is
killed, or paused beyond the duplicate window, between any two of its messages. $SHARDLOG_FAULTS says how often each fault."""

import shutil
import subprocess

from faults import KINDS, WINDOW, Fault, run_cases, wait_beyond_window
from load import Findings, Producer, read, shards, wait_for_progress
from nodes import Nodes, Program, Running
from proxy import Proxy
from support import check, program, run, scale, seeded, wait_for

FAULTS = scale("SHARDLOG_FAULTS", 1)
PATIENCE = 20  # seconds
UNKNOWN = 74
# What a trimmer publishes: its change of the control message, and the purge.
STEPS = (r"^slc\.", r"STREAM\.PURGE")


def with_clock(offset, *command, **options):
    """The program sees another time, but its seconds are as long as ever."""
    return subprocess.run(["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", offset, program(command[0]), *command[1:]],
                          capture_output=True, **options)


def can_fake_time():
    return shutil.which("faketime") and with_clock("+1h", "stream-put", "--version").returncode == 0


def trimmed(address):
    """Records, over all shards."""
    return sum(shard["trimmed_records"] for shard in shards(address))


def wrong_clocks(nodes, name):
    stream = nodes.address(name, WINDOW)
    run("stream-create", stream, "--retention", "10m", "--shards", "2")
    for offset in (None, "+1h", "+1h", "-1h"):
        lines = b"".join(b"%s %d\n" % (str(offset).encode(), number) for number in range(20))
        if offset is None:
            run("stream-put", stream, input=lines)
        else:
            done = with_clock(offset, "stream-put", stream, input=lines)
            check(done.returncode == 0, f"stream-put at {offset}: exit {done.returncode}: {done.stderr.decode()}")
    check(trimmed(stream) == 0 and len(read(stream)) == 80, f"{trimmed(stream)} records were trimmed, {len(read(stream))} are there")

    # One that is behind removes what is due.
    run("stream-create", "--update", "--retention", "1s", stream)
    wait_for(lambda: not read(stream), "the records to pass retention", PATIENCE)

    def trims():
        done = with_clock("-1h", "stream-put", stream, input=b"last\n")
        check(done.returncode == 0, f"stream-put at -1h: exit {done.returncode}: {done.stderr.decode()}")
        return trimmed(stream) >= 80

    wait_for(trims, "a trimmer whose clock is behind", PATIENCE)
    return []


def disturb_trimmer(nodes, name, kind, pattern, number):
    findings = Findings()
    stream = nodes.address(name, WINDOW)
    run("stream-create", stream, "--retention", "500ms", "--shards", "2")
    with Proxy(nodes.ports) as proxy:
        producers = [Producer(stream, "w"), Producer(proxy.address(name, WINDOW), "other")]
        try:
            wait_for(lambda: trimmed(stream) > 0, "something to be trimmed", PATIENCE)
            fault = Fault(proxy, kind, pattern, number)
            producers[1].may_be_killed = fault.kills
            fault.strike(Running(producers[1].process, "stream-put"))
            before = trimmed(stream)
            wait_for(lambda: trimmed(stream) > before, "somebody else to trim", PATIENCE)
            wait_beyond_window()
            fault.end()
            wait_for_progress(producers, PATIENCE)
            before = trimmed(stream)
            wait_for(lambda: trimmed(stream) > before, "trimming to go on", PATIENCE)
        except SystemExit as failed:
            findings.expect(False, str(failed))
        finally:
            for producer in producers:
                producer.close(PATIENCE)
        run("stream-create", "--update", "--retention", "1h", stream)
        check_counts(stream, producers, findings)
    return findings.found


def put_until(stream, condition, what):
    """Appends, one record a run, and trims by that. Returns how many."""
    count = 0

    def has_come():
        nonlocal count
        run("stream-put", stream, input=b"%0100d\n" % count)
        count += 1
        return condition()

    wait_for(has_come, what, PATIENCE)
    return count


def answer_lost(nodes, name):
    """A record whose answer got lost, and which was trimmed before its program asked again, is not stored a second time."""
    stream = nodes.address(name, WINDOW)
    run("stream-create", stream, "--retention", "500ms")
    with Proxy(nodes.ports) as proxy:
        fault = Fault(proxy, "paused, and the answer is lost", r"^sl\.")
        with Program("stream-put", proxy.address(name, WINDOW), "--ack", given=b"first\n") as first:
            fault.strike(first)
            others = put_until(stream, lambda: trimmed(stream) > 0, "the record to be trimmed")
            wait_beyond_window()
            run("stream-create", "--update", "--retention", "1h", stream)
            fault.end()
            first.end(UNKNOWN, seconds=PATIENCE)
    return counted(stream, 1 + others)


def part_trimmed(nodes, name):
    """The same of a part of a producer that was killed, where what is trimmed makes room."""
    stream = nodes.address(name, WINDOW)
    run("stream-create", stream, "--max-record-size", "1KiB", "--max-bytes", "2KiB", "--when-full", "trim")
    with Proxy(nodes.ports) as proxy:
        fault = Fault(proxy, "killed after", r"^sl\.")
        with Program("stream-put", proxy.address(name, WINDOW), "--producer", "p", given=b"first\n") as first:
            fault.strike(first)
            fault.end()
    others = put_until(stream, lambda: trimmed(stream) > 0, "the record to be trimmed")
    wait_beyond_window()
    said = run("stream-put", stream, "--producer", "p", "--ack", input=b"first\n")
    found = counted(stream, 1 + others)
    if b"already stored" not in said:
        found.append(f"the record is not known: {said}")
    return found


def counted(stream, number):
    there, removed = len(read(stream)), trimmed(stream)
    return [] if there + removed == number else [f"{number} records; {there} are there, {removed} trimmed"]


def check_counts(stream, producers, findings):
    """Each record that was acknowledged is there, or was counted as trimmed; those that are there are the last ones."""
    found = read(stream)
    removed = trimmed(stream)
    acknowledged = sum(len(producer.places) for producer in producers)
    unsaid = sum(len(producer.unknown) for producer in producers)
    findings.expect(acknowledged <= len(found) + removed <= acknowledged + unsaid,
                    f"{acknowledged} acknowledged, {unsaid} unknown; {len(found)} are there, {removed} trimmed")
    for producer in producers:
        findings.expect(not producer.wrong, str(producer.wrong))
    if found:
        first = min(int(record["sequence"]) for record in found)
        there = {(record["shard"], record["sequence"]) for record in found}
        for producer in producers:
            gone = [place for place in producer.places.values() if int(place[1]) >= first and place not in there]
            findings.expect(not gone, f"{producer.name}: missing after the first that is there: {gone[:3]}")
    findings.look(lambda: run("stream-stats", stream, "--verify"))


def main():
    randomness = seeded()
    with Nodes() as nodes:
        cases = [(disturb_trimmer, (kind, pattern, 1)) for pattern in STEPS for kind in ("killed after", "paused before")]
        cases += [(disturb_trimmer, (kind, "", randomness.randint(1, 40))) for kind in KINDS for _ in range(FAULTS)]
        cases += [(answer_lost, ()), (part_trimmed, ())]
        if can_fake_time():
            cases.insert(0, (wrong_clocks, ()))
        else:
            print("SKIPPED: wrong clocks: faketime does not work here")
        run_cases(nodes, cases)
        print(f"{len(cases)} trimmers disturbed")


main()
