"""The power-cut test bites: programs whose syncs do nothing lose something that the checks notice, in a few cuts."""

from machine import in_own_namespaces, require_machine
from power_cuts import run_scenario
from scenarios import Creations, LargeCommits, SmallCommits
from support import Folder, beside_each_other, check, scale

CUTS = 40  # at most: of the creations, few cuts fall where it matters
BROKEN = [  # what is broken, the paths of the files whose syncs do nothing, what the programs do
    ("all syncs", "*", SmallCommits),
    ("all syncs", "*", LargeCommits),
    ("syncs of the log", "*/stream.db-wal", SmallCommits),
    ("syncs of segments", "*/stream.0*", LargeCommits),
    ("syncs of the directory of streams", "*/root", Creations),
]


def noticed(kind, swallowed, seed):
    """What the checks have found, or None."""
    try:
        run_scenario(kind, seed, swallowed)
    except SystemExit as failed:
        check("waited in vain" not in failed.code, f"the checks were not reached: {failed.code}")
        return failed.code
    return None


def test_broken(what, swallowed, kind, first):
    found = ((seed, noticed(kind, swallowed, seed)) for seed in range(first, first + CUTS))
    seed, loss = next(((seed, loss) for seed, loss in found if loss), (None, None))
    check(loss, f"{kind.__name__} without {what}: nothing was noticed in {CUTS} cuts")
    return f"{kind.__name__} without {what}: noticed with seed {seed}: {loss.splitlines()[0]}"


def main():
    first = scale("SHARDLOG_POWER_SEED", 1)
    with Folder() as folder:
        require_machine(folder + "/probe")
    print(*beside_each_other(lambda broken: test_broken(*broken, first), BROKEN, len(BROKEN)), sep="\n")


in_own_namespaces(main)
