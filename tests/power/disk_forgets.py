"""The test of the disk that the other tests stand on: what was flushed is never lost, and of what was not, some is lost."""

import os

from machine import Machine, in_own_namespaces, require_machine
from support import Folder, check, wait_for

CUTS = 12
PIECES = 64
PIECE = 4096
SECTOR = 512


def piece(number, version):
    return b"%07d\n" % (number * 1000 + version) * (PIECE // 8)


def write(path, version, count=PIECES):
    """Starts to write all pieces of a file, and returns it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    for number in range(count):
        os.pwrite(file, piece(number, version), number * PIECE)
    return file


def write_and_sync(path, version):
    file = write(path, version)
    os.fsync(file)
    os.close(file)


def write_to_disk(machine, path, version):
    """To its cache: the kernel writes it out, and flushes nothing."""
    file = write(path, version)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    wait_for(lambda: machine.unflushed() >= PIECES, "the kernel to write to the disk")
    os.close(file)


def versions_of(path):
    """How many pieces there are of each version, and of torn ones."""
    found = {"torn": 0}
    with open(path, "rb") as file:
        for number in range(PIECES):
            data = file.read(PIECE)
            sectors = {int(data[at:at + 8]) - number * 1000 for at in range(0, PIECE, SECTOR)}
            version = sectors.pop() if len(sectors) == 1 else "torn"
            found[version] = found.get(version, 0) + 1
            check(version == "torn" or data == piece(number, version), f"{path}: a sector is torn")
    return found


def cut(machine, seed):
    machine.cut_power(seed)
    report = machine.lost_power()
    machine.switch_on()
    return report


def test_what_was_synced_stays(machine, seed):
    path = machine.root + "/synced"
    write_and_sync(path, seed)
    cut(machine, seed)
    check(versions_of(path) == {"torn": 0, seed: PIECES}, f"synced, and lost in cut {seed}: {versions_of(path)}")


def test_what_nobody_wrote_out_is_lost(machine, seed):
    path = machine.root + "/unwritten"
    os.close(write(path, seed))
    cut(machine, seed)
    check(not os.path.exists(path) or os.path.getsize(path) == 0, "what only the memory had is there after a cut")


def test_some_of_what_was_not_flushed_is_lost(machine, seed):
    """Returns how many pieces are on the disk, old and torn ones not counted, and how many are torn."""
    path = machine.root + "/written"
    write_and_sync(path, 0)
    write_to_disk(machine, path, seed)
    unflushed, survived, torn = cut(machine, seed)
    found = versions_of(path)
    check(set(found) <= {0, seed, "torn"}, f"versions that were never written: {found}")
    check(unflushed >= PIECES and found["torn"] <= torn <= survived <= unflushed, f"{unflushed} {survived} {torn}: {found}")
    return found.get(seed, 0), found["torn"]


def main():
    with Folder() as folder:
        require_machine(folder + "/probe")
        with Machine(folder) as machine:
            machine.switch_on()
            survived, torn = [], 0
            for seed in range(1, CUTS + 1):
                test_what_was_synced_stays(machine, seed)
                test_what_nobody_wrote_out_is_lost(machine, seed)
                whole, broken = test_some_of_what_was_not_flushed_is_lost(machine, seed)
                survived.append(whole)
                torn += broken
            check(0 in survived and max(survived) > PIECES // 2 and torn > 0, f"of {PIECES} pieces survived {survived}, torn {torn}")
            check(any(0 < count < PIECES // 2 for count in survived), f"all or nothing: {survived}")
            print(f"{CUTS * 3} cuts; of {PIECES} pieces that were not flushed survived {sorted(survived)}, {torn} were torn")


in_own_namespaces(main)
