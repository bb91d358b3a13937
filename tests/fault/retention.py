"""A stream with 2 s of retention under load, and a reader that is too slow for it: the files stop growing, and what was read
and the gaps that were told cover the sequence numbers of each shard, once each."""

import json
import os
import re
import subprocess
import threading
import time
from collections import defaultdict

from resharding import shards
from support import WITHOUT_SEGMENTS, Folder, check, program, run, scale, verify

SECONDS = scale("SHARDLOG_RETENTION_SECONDS", 8)
RECORDS_A_SECOND = 20_000
RECORD = 1000  # bytes with the newline
BLOCK = 500  # records
PAUSES = 2
MOST_OF_LOG = 80 * 1024 * 1024  # up to 64 MiB are written before a checkpoint, and what is written while that is made
READ_AHEAD = 30_000  # records: more than stream-get and a pipe hold


class Load(threading.Thread):
    """Puts numbered lines at an even pace, and remembers how large the files were in each half of its time."""

    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.put = subprocess.Popen([program("stream-put"), stream, "--sync", "normal"], stdin=subprocess.PIPE)
        self.count = 0
        self.largest = [0, 0]  # of the database, in each half
        self.largest_log = 0

    def run(self):
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < SECONDS:
            if self.count > elapsed * RECORDS_A_SECOND:
                time.sleep(0.005)
                continue
            lines = (b"%d " % (self.count + i) for i in range(BLOCK))
            self.put.stdin.write(b"".join(line.ljust(RECORD - 1, b"x") + b"\n" for line in lines))
            self.count += BLOCK
            half = int(elapsed * 2 / SECONDS)
            self.largest[half] = max(self.largest[half], os.path.getsize(self.stream + "/stream.db"))
            self.largest_log = max(self.largest_log, os.path.getsize(self.stream + "/stream.db-wal"))
        self.put.stdin.close()
        check(self.put.wait() == 0, "stream-put failed")


def trimmed(stream):
    return sum(shard["trimmed_records"] for shard in shards(stream))


def check_tiles(ranges, shard, last):
    following = 1
    for first, end, what in sorted(ranges):
        check(first == following, f"{shard}: {what} {first}..{end} where {following} was expected")
        following = end + 1
    check(following == last + 1, f"{shard}: told up to {following - 1}, not {last}")


def main():
    with Folder() as folder:
        stream = folder + "/stream"
        run("stream-create", stream, "--compression", "none", "--shards", "2", "--retention", "2s", *WITHOUT_SEGMENTS)
        messages = open(folder + "/messages", "w+b")
        reader = subprocess.Popen([program("stream-get"), stream, "--follow", "--idle-exit", "4s", "--json"],
                                  stdout=subprocess.PIPE, stderr=messages)
        load = Load(stream)
        load.start()
        ranges = defaultdict(list)
        read = 0
        pauses = PAUSES
        for line in reader.stdout:
            if pauses > 0 and read % READ_AHEAD == 0:
                # Not a record is taken until many that were not read are gone.
                pauses -= 1
                while trimmed(stream) < read + READ_AHEAD and load.is_alive():
                    time.sleep(0.05)
            record = json.loads(line)
            sequence = int(record["sequence"])
            ranges[record["shard"]].append((sequence, sequence, "record"))
            read += 1
        load.join()
        status = reader.wait()
        messages.seek(0)
        gaps = messages.read().decode().splitlines()
        for line in gaps:
            gap = re.fullmatch(r"stream-get: gap: (shardId-\d{12}) (\d+)\.\.(\d+) trimmed", line)
            check(gap, f"stream-get said: {line}")
            ranges[gap[1]].append((int(gap[2]), int(gap[3]), "gap"))
        check(gaps, "the reader was not slow enough")
        check(status == 1, f"stream-get: exit {status} after a gap")
        ends = {shard["shard"]: shard["trimmed_records"] + shard["records"] for shard in shards(stream)}
        check(sum(ends.values()) == load.count, f"{sum(ends.values())} records, not {load.count}")
        for shard, last in ends.items():
            check_tiles(ranges[shard], shard, last)
        early, late = load.largest
        check(late <= early * 1.3, f"the database grew from {early} to {late} bytes")
        check(load.largest_log <= MOST_OF_LOG, f"the log grew to {load.largest_log} bytes")
        verify(stream)
        print(f"{load.count} records put, {read} read, {len(gaps)} gaps, a database of at most {max(early, late)} bytes, a log of {load.largest_log}")


main()
