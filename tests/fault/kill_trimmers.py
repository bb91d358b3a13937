"""Producers that trim as they go are killed at random moments: the stream stays whole, and no acknowledged number is given
again, and the metrics count what was trimmed exactly."""

import os
import sqlite3
import subprocess
import sys
import threading

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "cli"))

from measured import Measured
from support import Folder, check, parse_acknowledgements, program, run, scale, seeded, verify

KILLS = scale("SHARDLOG_KILLS", 40)
LONGEST = 0.06  # seconds from the start to the kill


def feed(put, lines):
    try:
        while True:
            put.stdin.write(lines)
    except OSError:
        pass


def check_counts(stream):
    """Each record that ever arrived is in a batch, or was counted when that was trimmed."""
    trimmed = sum(shard.trimmed.records for shard in Measured(stream).shards.values())
    with sqlite3.connect(f"file:{stream}/stream.db?mode=ro", uri=True) as database:
        stored, next_sequence = database.execute(
            "SELECT sum(record_count), max(first_sequence + record_count) FROM batches").fetchone()
    check(stored + trimmed == next_sequence - 1, f"{stored} records are stored, {trimmed} counted as trimmed, {next_sequence} is next")


def main():
    randomness = seeded()
    with Folder() as folder:
        stream = folder + "/stream"
        run("stream-create", stream, "--retention", "20ms")
        lines = b"".join(b"%050d\n" % i for i in range(2000))
        last = acknowledged = 0
        for _ in range(KILLS):
            put = subprocess.Popen([program("stream-put"), stream, "--ack", "--sync", "normal"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
            feeder = threading.Thread(target=feed, args=(put, lines))
            feeder.start()
            killer = threading.Timer(randomness.uniform(0, LONGEST), put.kill)
            killer.start()
            output = put.stdout.read()
            put.wait()
            feeder.join()
            for _, sequence in parse_acknowledgements(output):
                check(int(sequence) > last, f"sequence {sequence} was given again after {last}")
                last = int(sequence)
                acknowledged += 1
            verify(stream)
        page = run("stream-stats", stream, "--json").decode()
        check('"trimmed_records":0,' not in page, "nothing was trimmed")
        run("stream-put", stream, input=b"last\n")
        verify(stream)
        check_counts(stream)
        print(f"{KILLS} kills, {acknowledged} records acknowledged")


main()
