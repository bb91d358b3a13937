"""The power is cut while programs work on a stream: what they have acknowledged is there when it is back. Each cut has its seed;
a run with SHARDLOG_POWER_SEED begins with that one, and SHARDLOG_POWER_CUTS says how many there are."""

import random
import time

from machine import SIZES, Machine, in_own_namespaces, require_machine
from programs import Programs
from scenarios import SCENARIOS
from support import Folder, scale, wait_for

CUTS = scale("SHARDLOG_POWER_CUTS", 10)
MOST_CALLS = 12  # of the disk, until the cut
# Programs that sync call the disk more often than that before they have promised as much. If a disk is not called, because
# syncs do nothing, the power must go all the same.
MOST_PROMISES = 1000
AFTER_A_PROMISE = 0.8  # of the cuts; the others also come while programs start, which takes long on some machines


def cut_once(machine, scenario, randomness, swallowed=None):
    """Lets the programs of a scenario work, and cuts the power. Returns what the disk says of it."""
    programs = Programs(swallowed)
    try:
        before = scenario.promises()
        scenario.start(programs)
        if randomness.random() < AFTER_A_PROMISE:
            wait_for(lambda: scenario.promises() > before or programs.have_failed() or not programs.are_running(), "the first promise")
        time.sleep(randomness.random() * scenario.LONGEST)  # not a wait for anything: the moment of the cut
        # A commit is few calls: so the power goes as often within one as between two.
        machine.cut_power(randomness.randrange(2**32), randomness.randint(0, MOST_CALLS))
        enough = scenario.promises() + MOST_PROMISES
        wait_for(lambda: not machine.has_power() or scenario.promises() > enough or programs.have_failed() or not programs.are_running(),
                 "the power cut")
        machine.cut_power(randomness.randrange(2**32))  # if nobody writes to the disk any more
        machine.disk.wait()
    finally:
        programs.end()
    return machine.lost_power()


def run_scenario(kind, seed, swallowed=None):
    """One cut, or two before anybody has looked at what the first has left. Returns how many, and what they were like."""
    randomness = random.Random(seed)
    with Folder() as folder, Machine(folder, randomness.choice(SIZES)) as machine:
        machine.switch_on()
        scenario = kind(machine, folder, randomness)
        scenario.prepare()
        reports = []
        for _ in range(randomness.choice([1, 1, 2])):
            reports.append(cut_once(machine, scenario, randomness, swallowed))
            machine.switch_on()
        scenario.check()
        pieces = ", ".join(f"{survived} of {unflushed} pieces survived, {torn} of them torn" for unflushed, survived, torn in reports)
        return len(reports), f"{scenario.summary()}; {pieces}"


def run_seed(seed):
    kind = SCENARIOS[seed % len(SCENARIOS)]
    try:
        count, what = run_scenario(kind, seed)
    except (Exception, SystemExit):
        print(f"seed {seed}: {kind.__name__}: to replay it: SHARDLOG_POWER_SEED={seed} SHARDLOG_POWER_CUTS=1", flush=True)
        raise
    print(f"seed {seed}: {kind.__name__}: {what}", flush=True)
    return count


def main():
    first = scale("SHARDLOG_POWER_SEED", random.SystemRandom().randrange(2**31))
    with Folder() as folder:
        require_machine(folder + "/probe")
    cuts = sum(run_seed(seed) for seed in range(first, first + CUTS))
    print(f"{CUTS} runs, {cuts} power cuts")


if __name__ == "__main__":
    in_own_namespaces(main)
