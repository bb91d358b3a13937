"""stream-put --producer and stream-get --into, killed between any two of their messages to the servers, or paused there until
another has done the work and the servers have forgotten what they remember: every record is stored once. $SHARDLOG_FAULTS says
how often each fault at a step that is chosen at random; the claim of a slot, its first part and its last come once for the main ones."""

import json

from faults import KINDS, WINDOW, Fault, own_name, run_cases, wait_beyond_window
from load import Findings, check_both_orders, read
from nodes import Nodes, Program
from proxy import Proxy
from support import run, scale, seeded

FAULTS = scale("SHARDLOG_FAULTS", 1)
PATIENCE = 30
LEASE = "1s"
SHARDS = 3
RECORDS = 60
FENCED, BUSY, UNKNOWN = 76, 75, 74

CLAIM, BODY, PART = r"^slp(\.[^.]+){5}$", r"^slp(\.[^.]+){6}$", r"^sl\."


def lines_of(count):
    return [f"k{number % 7} {number // 7} {number}" for number in range(count)]


INPUT = "".join(line + "\n" for line in lines_of(RECORDS)).encode()


def check_once(address, findings, what):
    found = findings.look(read, address) or []
    stored = sorted(record["data"] for record in found)
    findings.expect(stored == sorted(lines_of(RECORDS)), f"{what}: {len(stored)} records, {len(set(stored))} different, not {RECORDS}")
    check_both_orders(found, set(), findings, what)
    findings.look(lambda: run("stream-stats", address, "--verify"))


def end(fault, program, findings):
    """What comes late."""
    fault.end()
    if not fault.kills and not fault.lets_run:
        findings.look(lambda: program.end(0, FENCED, BUSY, UNKNOWN, seconds=PATIENCE))


def put(nodes, name, kind, pattern, number):
    findings = Findings()
    stream = nodes.address(name, WINDOW)
    run("stream-create", stream, "--shards", str(SHARDS))
    command = ["--producer", "p", "--key-field", "1"]
    with Proxy(nodes.ports) as proxy:
        fault = Fault(proxy, kind, pattern, number)
        with Program("stream-put", proxy.address(name, WINDOW), *command, given=INPUT) as first:
            if not fault.strike(first) or fault.lets_run:
                findings.look(lambda: first.end(seconds=PATIENCE))
            findings.look(lambda: run("stream-put", stream, *command, "--timeout", f"{PATIENCE}s", input=INPUT))
            check_once(stream, findings, "after the second run")
            wait_beyond_window()
            end(fault, first, findings)
            check_once(stream, findings, "in the end")
            again = findings.look(lambda: run("stream-put", stream, *command, "--ack", input=INPUT)) or b""
            findings.expect(again.count(b"-\talready stored\n") == RECORDS, f"a third run stores something: {again[-200:]}")
    return findings.found


def into(nodes, name, kind, pattern, number):
    findings = Findings()
    source, target = nodes.address(name), nodes.address(name + "-into", WINDOW)
    run("stream-create", source, "--shards", "2")
    run("stream-create", target, "--shards", str(SHARDS))
    run("stream-put", source, "--key-field", "1", input=INPUT)

    def worker(target_address, own_name):
        return Program("stream-get", source, "-c", "c", "--worker", own_name, "--lease-duration", LEASE, "--batch", "20", "--json",
                       "--into", target_address, "--exec", "cat", given=b"")

    with Proxy(nodes.ports) as proxy:
        fault = Fault(proxy, kind, pattern, number)
        with worker(proxy.address(name + "-into", WINDOW), "first") as first:
            if not fault.strike(first) or fault.lets_run:
                findings.look(lambda: first.end(seconds=PATIENCE))
            with worker(target, "second") as second:
                findings.look(lambda: second.end(seconds=PATIENCE))
            check_once(target, findings, "after the second worker")
            wait_beyond_window()
            end(fault, first, findings)
            check_once(target, findings, "in the end")
            page = json.loads(run("stream-stats", source, "--json"))
            findings.expect(page["consumers"][0]["backlog"] == 0, f"backlog: {page['consumers'][0]}")
    return findings.found


def steps(nodes, name, work):
    """The messages of a run without a fault."""
    run("stream-create", nodes.address(name), "--shards", str(SHARDS))
    with Proxy(nodes.ports) as proxy:
        work(proxy.address(name))
        return list(proxy.subjects)


def steps_of_put(nodes):
    return steps(nodes, own_name("put"), lambda address: run("stream-put", address, "--producer", "p", "--key-field", "1", input=INPUT))


def steps_of_into(nodes):
    source = nodes.address(own_name("source"))
    run("stream-create", source)
    run("stream-put", source, "--key-field", "1", input=INPUT)
    return steps(nodes, own_name("into"), lambda address: run("stream-get", source, "-c", "c", "--into", address, "--exec", "cat", "--json",
                                                    "--batch", "20"))


def main():
    randomness = seeded()
    with Nodes() as nodes:
        subjects = {put: steps_of_put(nodes), into: steps_of_into(nodes)}
        cases = []
        for work, found in subjects.items():
            for kind in ("killed after", "paused before", "paused after"):
                cases += [(work, (kind, CLAIM, 1))] + [(work, (kind, PART, part)) for part in (1, SHARDS)]
            for kind in KINDS:
                cases += [(work, (kind, "", randomness.randint(1, len(found)))) for _ in range(FAULTS)]
        run_cases(nodes, cases)
        print(f"{len(cases)} faults in runs of {', '.join(f'{len(found)} messages' for found in subjects.values())}")


main()
