"""Nodes fail while producers, workers and reshards use a stream: the leader of its data is killed and started again, it is paused
beyond all patience of the others, and all three nodes are killed at once. What was acknowledged is there, once and in order.
The argument says which: kill, pause or all; $SHARDLOG_FAILOVERS, how often."""

import sys
import time

from load import Findings, Producer, Resharder, Worker, check_processed, check_stream, shards, wait_for_progress, wait_for_workers
from nodes import NODES, SKIPPED, Nodes, server_version
from support import Folder, run, scale, seeded, wait_for

FAILOVERS = scale("SHARDLOG_FAILOVERS", 2)
PAUSE = 12  # seconds: longer than the others wait for a leader (4 to 9), and than it takes a leader to see that it is alone (10)
PATIENCE = 40  # seconds that a part may take to go on after a fault
WORKERS = 3
LEASE = "3s"


def kill(nodes, data, producers):
    leader = nodes.leader(data)
    nodes.kill(leader)
    wait_for_progress(producers, PATIENCE)
    nodes.restart(leader)


def pause(nodes, data, producers):
    leader = nodes.leader(data)
    nodes.pause(leader)
    paused = time.monotonic()
    try:
        wait_for_progress(producers, PATIENCE)
    finally:
        time.sleep(max(0, paused + PAUSE - time.monotonic()))  # that is the fault
        nodes.go_on(leader)
    wait_for_progress(producers, PATIENCE)


def kill_all(nodes, data, producers):
    nodes.kill(*NODES)
    nodes.restart(NODES[0])  # with it all that were killed


FAULTS = {"kill": kill, "pause": pause, "all": kill_all}


def run_faults(nodes, fault, data, producers, workers, resharder, findings):
    """Stops at the first part that stalls: the checks come all the same."""
    for _ in range(FAILOVERS):
        nodes.wait_until_whole(data, PATIENCE)
        FAULTS[fault](nodes, data, producers)
        wait_for_progress(producers, PATIENCE)
        done = resharder.ends.count(0)
        wait_for(lambda: resharder.wrong or resharder.ends.count(0) > done, "a reshard after the fault", PATIENCE)
        for worker in workers:
            worker.tend(findings)


def test(fault, randomness):
    findings = Findings()
    with Folder() as folder, Nodes(own=True) as nodes:
        stream, target = nodes.address("load"), nodes.address("into")
        run("stream-create", stream, "--shards", "4")
        run("stream-create", target, "--shards", "2")
        run("stream-get", stream, "-c", "c", "--new", "--seek", "trim-horizon")
        data = nodes.data_stream("load")
        log = folder + "/log"
        workers = [Worker(stream, target, "c", f"w{i}", log, "--follow", "--lease-duration", LEASE, "--batch", "200")
                   for i in range(WORKERS)]
        producers = [Producer(stream, "plain"), Producer(stream, "hasty", "--timeout", "3s"),
                     Producer(stream, "once", exactly_once=True), Producer(stream, "twice", exactly_once=True)]
        resharder = Resharder(stream, randomness)
        resharder.start()
        try:
            findings.look(wait_for_progress, producers, PATIENCE)
            findings.look(run_faults, nodes, fault, data, producers, workers, resharder, findings)
        finally:
            resharder.over.set()
            resharder.join()
            for producer in producers:
                producer.close()
        findings.expect(resharder.wrong is None, resharder.wrong)
        findings.look(wait_for_workers, stream, workers, findings, 2 * PATIENCE)
        for worker in workers:
            worker.close(findings)
        found = check_stream(stream, producers, findings)
        check_processed(log, target, producers, found, findings)
        ends = {each.name: each.ends for each in producers} | {each.name: dict(each.ends) for each in workers if each.ends}
        print(f"{fault}: {FAILOVERS} times, {len(found)} records, {len(resharder.ends)} reshards "
              f"({len(resharder.ends) - resharder.ends.count(0)} failed, the longest took {resharder.longest:.1f} s), {len(findings.look(shards, stream) or [])} shards; "
              f"exits {ends}", flush=True)
    findings.end()


def main():
    fault = sys.argv[1] if len(sys.argv) == 2 else ""
    if fault not in FAULTS:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(FAULTS)}")
    if fault == "pause" and server_version() < (2, 10):
        print("SKIPPED: a leader of nats-server 2.9 that was paused holds other messages than the rest from then on")
        sys.exit(SKIPPED)
    test(fault, seeded())


main()
