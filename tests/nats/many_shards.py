"""A stream of 1,000 shards: created, written with keys, read, resharded and shown, by programs that take at most 64 MiB each.
$SHARDLOG_MANY_RECORDS says how many records a put has."""

import os
import subprocess

from load import shards
from nodes import Nodes
from support import Folder, check, program, scale

SHARDS = scale("SHARDLOG_MANY_SHARDS", 1000)
RECORDS = scale("SHARDLOG_MANY_RECORDS", 200_000)
KEYS = 10_000
MOST = 64 * 1024  # KiB of memory


class Measured:
    """Runs programs, their input and output in files, and keeps the peak of their memory. What this process had when it
    started one counts as that one's, so it keeps little."""

    def __init__(self, folder):
        self.folder, self.peaks = folder, {}

    def run(self, what, name, *arguments, given=None):
        """Returns the file with what it printed."""
        output, messages = os.path.join(self.folder, "output"), os.path.join(self.folder, "messages")
        with open(given or os.devnull, "rb") as stdin, open(output, "wb") as stdout, open(messages, "wb") as stderr:
            process = subprocess.Popen([program(name), *arguments], stdin=stdin, stdout=stdout, stderr=stderr)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        with open(messages) as said:
            check(process.returncode == 0, f"{what}: exit {process.returncode}: {said.read()}")
        self.peaks[what] = used.ru_maxrss
        return output


def write(path, first):
    """Lines of 100 bytes; the first word is the key, the second counts."""
    with open(path, "w") as lines:
        for number in range(first, first + RECORDS):
            lines.write(f"{f'key{number % KEYS} {number}':99}\n")


def check_read(path, count):
    """Each record once, and those of a key in the order in which they were put."""
    found, last = 0, {}
    with open(path, "rb") as printed:
        for line in printed:
            key, number = line.split()
            check(last.get(key, -1) < int(number), f"{key.decode()}: {int(number)} comes after {last.get(key)}")
            last[key] = int(number)
            found += 1
    check(found == count, f"{found} records, not {count}")


def main():
    with Nodes() as nodes, Folder() as folder:
        stream, lines = nodes.address("many"), os.path.join(folder, "lines")
        measured = Measured(folder)
        try:
            measured.run("create", "stream-create", stream, "--shards", str(SHARDS))
            write(lines, 0)
            measured.run("put", "stream-put", stream, "--key-field", "1", given=lines)
            check_read(measured.run("get", "stream-get", stream), RECORDS)
            measured.run("split", "stream-reshard", "split", stream, "0")
            measured.run("merge", "stream-reshard", "merge", stream, str(SHARDS - 2), str(SHARDS - 1))
            measured.run("scale", "stream-reshard", "scale", stream, str(SHARDS // 2))
            is_open = [shard["open"] for shard in shards(stream)].count(True)
            check(is_open == SHARDS // 2, f"{is_open} shards are open, not {SHARDS // 2}")
            write(lines, RECORDS)
            measured.run("put after it", "stream-put", stream, "--key-field", "1", given=lines)
            check_read(measured.run("get after it", "stream-get", stream), 2 * RECORDS)
            measured.run("stats", "stream-stats", stream, "--json")
        finally:
            nodes.remove("many")
    print(f"{SHARDS} shards, peak of memory in MiB:",
          ", ".join(f"{what} {peak / 1024:.1f}" for what, peak in measured.peaks.items()))
    check(max(measured.peaks.values()) <= MOST, "more than 64 MiB")


main()
