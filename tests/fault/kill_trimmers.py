"""Producers that trim as they go are killed at random moments: the stream stays whole, and no acknowledged number is given
again."""

import subprocess
import threading

from support import Folder, check, parse_acknowledgements, program, run, scale, seeded, verify

KILLS = scale("SHARDLOG_KILLS", 40)
LONGEST = 0.06  # seconds from the start to the kill


def feed(put, lines):
    try:
        while True:
            put.stdin.write(lines)
    except OSError:
        pass


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
        print(f"{KILLS} kills, {acknowledged} records acknowledged")


main()
