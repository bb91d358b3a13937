"""Between all programs and the servers, messages and answers get lost or come late, and connections break within a message. What
was acknowledged is there, once and in order. $SHARDLOG_SECONDS says for how long; longer if no reshard has succeeded by then."""

import random
import threading
import time

from faults import WINDOW, own_name
from load import Findings, Producer, Resharder, Worker, check_processed, check_stream, wait_for_progress, wait_for_workers
from nodes import Nodes
from proxy import CUT, LOSE, Proxy
from support import Folder, run, scale, seeded

SECONDS = scale("SHARDLOG_SECONDS", 8)
PATIENCE = 40
ONE_IN = 100  # messages
LATE = 3.0  # seconds, at most: beyond the duplicate window


class Faults:
    """What becomes of each message, while it is on."""

    def __init__(self, seed):
        self.randomness = random.Random(seed)
        self.on = threading.Event()
        self.lock = threading.Lock()
        self.counts = {"lost": 0, "late": 0, "cut": 0}

    def __call__(self, message):
        if not self.on.is_set():
            return None
        with self.lock:
            if self.randomness.randrange(ONE_IN):
                return None
            choice = self.randomness.choice(list(self.counts))
            late = self.randomness.random() * LATE
            self.counts[choice] += 1
        if choice == "late":
            time.sleep(late)  # that is the fault
        return {"lost": LOSE, "cut": CUT}.get(choice)


def is_without_reshard(resharder, since):
    return not resharder.ends.count(0) and not resharder.wrong and time.monotonic() < since + PATIENCE


def main():
    randomness = seeded()
    findings = Findings()
    with Folder() as folder, Nodes() as nodes, Proxy(nodes.ports) as proxy:
        faults = proxy.fault = Faults(randomness.random())
        name, into = own_name("lossy"), own_name("lossy-into")
        direct, stream, target = nodes.address(name, WINDOW), proxy.address(name, WINDOW), proxy.address(into, WINDOW)
        run("stream-create", direct, "--shards", "4")
        run("stream-create", nodes.address(into, WINDOW), "--shards", "2")
        run("stream-get", direct, "-c", "c", "--new", "--seek", "trim-horizon")
        log = folder + "/log"
        faults.on.set()
        workers = [Worker(stream, target, "c", f"w{i}", log, "--follow", "--lease-duration", "3s", "--batch", "100") for i in range(2)]
        producers = [Producer(stream, "plain"), Producer(stream, "once", exactly_once=True)]
        resharder = Resharder(stream, randomness)
        resharder.start()
        try:
            end = time.monotonic() + SECONDS
            while not findings.found and (time.monotonic() < end or is_without_reshard(resharder, end)):
                findings.look(wait_for_progress, producers, PATIENCE)
                for worker in workers:
                    worker.tend(findings)
        finally:
            resharder.over.set()
            resharder.join()
            faults.on.clear()
            for producer in producers:
                producer.close()
        findings.expect(resharder.wrong is None, resharder.wrong)
        findings.expect(resharder.ends.count(0) > 0, "no reshard succeeded")
        findings.look(wait_for_workers, direct, workers, findings, PATIENCE)
        for worker in workers:
            worker.close(findings)
        found = check_stream(direct, producers, findings)
        check_processed(log, nodes.address(into, WINDOW), producers, found, findings)
        ends = {each.name: each.ends for each in producers} | {each.name: dict(each.ends) for each in workers if each.ends}
        print(f"{faults.counts} of {len(proxy.subjects)} messages and their answers; {len(found)} records, {len(resharder.ends)} "
              f"reshards ({len(resharder.ends) - resharder.ends.count(0)} failed); exits {ends}", flush=True)
    findings.end()


main()
