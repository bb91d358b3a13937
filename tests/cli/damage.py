#!/usr/bin/env python3
"""Damages copies of a small stream and reads them: damage is told, or does no harm, but never yields a wrong record.

    damage.py database | wal | wal-in-use | truncation

SHARDLOG_BIN is where the programs are, SHARDLOG_DAMAGE_OFFSETS how many bytes are damaged (2000), SHARDLOG_SEED the seed.
"""

import collections
import concurrent.futures
import itertools
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile

BIN = pathlib.Path(os.environ["SHARDLOG_BIN"])
OFFSETS = int(os.environ.get("SHARDLOG_DAMAGE_OFFSETS") or 2000)
SEED = int(os.environ.get("SHARDLOG_SEED") or random.SystemRandom().randrange(1 << 32))
TIMEOUT = 10  # seconds, for one run of a program
DATABASE, WAL, LOCK = "stream.db", "stream.db-wal", "lock"
DATABASE_HEADER = 100  # bytes
WAL_HEADER = 32 + 24  # and that of its first frame


def run(program, *arguments, data=b""):
    return subprocess.run([BIN / program, *arguments], input=data, capture_output=True, timeout=TIMEOUT)


class Stream:
    """The undamaged stream: the bytes of its files, and what may be read from it."""

    def __init__(self, directory, checkpointed):
        path = directory / ("checkpointed" if checkpointed else "logged")
        assert run("stream-create", "--shards", "3", path).returncode == 0
        rng = random.Random(SEED)
        self.commits = []  # (key, records)
        for number in range(24):
            size = rng.choice([1, 5, 20, 500, 5000])
            records = [b"%d:%d %s" % (number, i, rng.randbytes(rng.randrange(size)).hex().encode()) for i in range(rng.randrange(1, 9))]
            key = rng.choice([None, "a", "b", "ключ"])
            arguments = [] if key is None else ["--key", key]
            file = directory / "input"  # no pipe: what is there at once is one commit
            file.write_bytes(b"".join(record + b"\n" for record in records))
            put = run("stream-put", *arguments, path, file)
            assert put.returncode == 0, put.stderr
            self.commits.append((key, records))
        if checkpointed:
            connection = sqlite3.connect(path / DATABASE)
            assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
            connection.close()
        names = [DATABASE, LOCK] + ([] if checkpointed else [WAL])
        self.files = {name: (path / name).read_bytes() for name in names}
        self.prefixes = {"lines": self.prefixes_of_lines(), "json": self.prefixes_of_json(path)}

    def prefixes_of_lines(self):
        """All that may be read: nothing, the first commit, the first two, and so on."""
        commits = [b"".join(record + b"\n" for record in records) for _, records in self.commits]
        return list(itertools.accumulate(commits, initial=b""))

    def prefixes_of_json(self, path):
        """What only the stream knows (shard, sequence, time) comes from itself; data and keys are what was put."""
        lines = run("stream-get", "--json", path).stdout.splitlines(keepends=True)
        commits = []
        for key, records in self.commits:
            own, lines = lines[: len(records)], lines[len(records) :]
            assert [(json.loads(line)["key"], json.loads(line)["data"].encode()) for line in own] == [(key, r) for r in records]
            commits.append(b"".join(own))
        assert not lines
        return list(itertools.accumulate(commits, initial=b""))


class Copy:
    """A copy of the stream that is damaged in one way after the other."""

    def __init__(self, stream, directory, in_use):
        self.stream = stream
        self.path = pathlib.Path(tempfile.mkdtemp(dir=directory))
        self.in_use = in_use
        self.restore()
        self.reader = self.keep_open() if in_use else None

    def keep_open(self):
        """While another process has the stream open, SQLite trusts its index of the WAL, and not the WAL's checksums."""
        reader = subprocess.Popen([BIN / "stream-get", "--follow", "--poll", "1h", self.path], stdout=subprocess.PIPE)
        everything = self.stream.prefixes["lines"][-1]
        assert reader.stdout.read(len(everything)) == everything
        return reader

    def restore(self):
        if self.in_use and (self.path / DATABASE).exists():
            return
        for file in self.path.iterdir():
            file.unlink()
        for name, content in self.stream.files.items():
            (self.path / name).write_bytes(content)

    def write(self, name, offset, content):
        with open(self.path / name, "r+b") as file:
            file.seek(offset)
            file.write(content)

    def flip(self, name, offset, mask):
        self.write(name, offset, bytes([self.stream.files[name][offset] ^ mask]))

    def unflip(self, name, offset):
        if self.in_use:
            self.write(name, offset, self.stream.files[name][offset : offset + 1])
        else:
            self.restore()

    def truncate(self, name, size):
        os.truncate(self.path / name, size)

    def close(self):
        if self.reader:
            self.reader.kill()
            self.reader.wait()
            self.reader.stdout.close()


class Wrong(Exception):
    pass


def look(copy, case, may_lose_the_end):
    """Reads a damaged stream. Returns what came of it; raises Wrong."""
    form = "json" if case % 2 else "lines"
    prefixes = copy.stream.prefixes[form]
    get = run("stream-get", *(["--json"] if form == "json" else []), copy.path)
    if get.returncode not in (0, 65):
        raise Wrong(f"exit {get.returncode}: {get.stderr!r}")
    if get.stdout not in prefixes:
        raise Wrong(f"exit {get.returncode} with wrong records ({len(get.stdout)} bytes)")
    if get.returncode == 65:
        if not get.stderr.startswith(b"stream-get: ") or get.stderr.count(b"\n") != 1:
            raise Wrong(f"not a message: {get.stderr!r}")
        outcome = "told"
    elif get.stdout == prefixes[-1]:
        outcome = "did no harm"
    elif may_lose_the_end:
        outcome = "cut off the newest commits"
    else:
        # A page of SQLite's tree that names fewer rows than it holds: only SQLite's own check can see that.
        if run("stream-stats", "--verify", copy.path).returncode != 65:
            commits = prefixes.index(get.stdout)
            raise Wrong(f"exit 0, but only {commits} of {len(prefixes) - 1} commits, and --verify finds nothing")
        outcome = "hid the newest commits, and only --verify told"
    if case % 5 == 0:
        verify = run("stream-stats", "--verify", copy.path)
        if verify.returncode not in (0, 65) or (outcome == "told" and verify.returncode == 0):
            raise Wrong(f"get: {get.returncode}, verify: exit {verify.returncode}: {verify.stdout!r} {verify.stderr!r}")
    if case % 7 == 0 and not copy.in_use:
        put = run("stream-put", copy.path, data=b"one more\n")
        if put.returncode not in (0, 65):
            raise Wrong(f"put: exit {put.returncode}: {put.stderr!r}")
        again = run("stream-get", copy.path)
        right = copy.stream.prefixes["lines"]
        whole = [prefix + tail for prefix in right for tail in (b"", b"one more\n")]
        if again.returncode not in (0, 65) or again.stdout not in whole:
            raise Wrong(f"put: exit {put.returncode}, then get: exit {again.returncode} with {len(again.stdout)} bytes: {again.stderr!r}")
        if put.returncode == 0 and again.returncode == 0 and not again.stdout.endswith(b"one more\n"):
            raise Wrong("put: exit 0, but the record is not there")
    return outcome


def damaged_bytes(content, header, count):
    """(offset, mask): every byte of the header, and others at random; of half of them one bit, of half any.

    Most bytes are data, which is a hexadecimal text, or unused, which is zero. Half of those at random are neither.
    """
    rng = random.Random(SEED + 1)
    data = {offset for run in re.finditer(rb"[0-9a-f]{8,}", content) for offset in range(*run.span())}
    structure = [offset for offset, byte in enumerate(content) if byte and offset not in data]
    offsets = [*range(header), *rng.choices(structure, k=count // 2), *rng.choices(range(len(content)), k=count - count // 2)]
    return [(offset, 1 << rng.randrange(8) if rng.random() < 0.5 else rng.randrange(1, 256)) for offset in offsets]


def check(stream, directory, cases, damage, repair, in_use=False, may_lose_the_end=False):
    """Does each damage in turn, on two copies side by side, and prints what came of it."""
    outcomes = collections.Counter()
    wrong = []

    def work(first):
        copy = Copy(stream, directory, in_use)
        try:
            for number in range(first, len(cases), 2):
                damage(copy, cases[number])
                try:
                    outcomes[look(copy, number // 2, may_lose_the_end)] += 1
                except (Wrong, subprocess.TimeoutExpired) as error:
                    wrong.append(f"{cases[number]}: {error}")
                repair(copy, cases[number])
        finally:
            copy.close()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, first) for first in (0, 1)]:
            done.result()
    print(f"{len(cases)} cases:", ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())) or "none right")
    for line in wrong[:20]:
        print("WRONG", line)
    if len(wrong) > 20:
        print(f"and {len(wrong) - 20} more")
    assert sum(outcomes.values()) + len(wrong) == len(cases)
    return not wrong and outcomes["cut off the newest commits" if may_lose_the_end else "told"] > 0


def flips(directory, name, count, header, in_use=False, may_lose_the_end=False):
    stream = Stream(directory, checkpointed=name == DATABASE)
    print(f"{name}: {len(stream.files[name])} bytes, {count} of them at random")
    return check(
        stream,
        directory,
        damaged_bytes(stream.files[name], header, count),
        lambda copy, case: copy.flip(name, *case),
        lambda copy, case: copy.unflip(name, case[0]),
        in_use,
        may_lose_the_end,
    )


def truncations(directory):
    right = True
    for name in (DATABASE, WAL):
        stream = Stream(directory, checkpointed=name == DATABASE)
        print(f"{name}: cut at every 512 bytes")
        right &= check(
            stream,
            directory,
            list(range(0, len(stream.files[name]), 512)),
            lambda copy, size, name=name: copy.truncate(name, size),
            lambda copy, _: copy.restore(),
            may_lose_the_end=name == WAL,
        )
    return right


def main():
    what = sys.argv[1]
    print(f"seed {SEED}")
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        if what == "database":
            right = flips(directory, DATABASE, OFFSETS // 2, DATABASE_HEADER)
        elif what == "wal":
            right = flips(directory, WAL, OFFSETS // 4, WAL_HEADER, may_lose_the_end=True)
        elif what == "wal-in-use":
            right = flips(directory, WAL, OFFSETS // 4, WAL_HEADER, in_use=True)
        else:
            right = truncations(directory)
    sys.exit(0 if right else 1)


main()
