"""Producers killed at random moments: what was acknowledged is there, nothing is there twice, nothing is damaged."""

import subprocess
import threading
import time

from support import Folder, check, check_acknowledged, check_dense, parse_acknowledgements, program, records, run, scale, seeded, verify

KILLS = scale("SHARDLOG_KILLS", 120)
AT_ONCE = 4


def feed(process, prefix):
    try:
        for i in range(3_000):
            process.stdin.write(f"{prefix}-{i}\n".encode())
            if i % 8 == 7:
                process.stdin.flush()
    except (BrokenPipeError, ValueError):
        pass


class Producer:
    def __init__(self, stream, prefix):
        self.prefix = prefix
        self.process = subprocess.Popen(
            [program("stream-put"), stream, "--ack", "--key-regex", "[0-9]+$"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.output = b""
        self.threads = [threading.Thread(target=feed, args=(self.process, prefix)), threading.Thread(target=self.collect)]
        for thread in self.threads:
            thread.start()

    def collect(self):
        self.output = self.process.stdout.read()

    def kill(self):
        self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        return {place: f"{self.prefix}-{i}" for i, place in enumerate(parse_acknowledgements(self.output))}


def main():
    randomness = seeded()
    with Folder() as folder:
        stream = folder + "/stream"
        run("stream-create", stream, "--shards", "4")
        acknowledged = {}
        for kill in range(0, KILLS, AT_ONCE):
            producers = [Producer(stream, f"{kill + i}") for i in range(AT_ONCE)]
            for producer in producers:
                time.sleep(randomness.random() * 0.01)  # not a wait for anything: the moment of the kill
                acknowledged.update(producer.kill())
        found = records(stream)
        check_acknowledged(acknowledged, found)
        check(len({record["data"] for record in found}) == len(found), "a record is there twice")
        check_dense(found)
        verify(stream)
        check(len(acknowledged) > KILLS, f"only {len(acknowledged)} acknowledgements: the kills came too early to test anything")
        print(f"{KILLS} kills, {len(acknowledged)} records acknowledged, {len(found)} stored")


main()
