"""Readers of a pipe from `stream-get -c` are killed: what was still in the pipe is delivered again, and nothing is lost."""

import os
import subprocess

from consumers import Producer, check_order, consumer
from support import Folder, check, program, run, scale, seeded, verify, wait_for

KILLS = scale("SHARDLOG_KILLS", 60)
MOST = 150_000  # bytes that a reader takes: more and less than a pipe holds


class Reader:
    """Takes so many bytes into a file, and then sits there with the pipe until it is killed."""

    def __init__(self, get, path, count):
        self.path, self.count = path, count
        self.process = subprocess.Popen(
            ["sh", "-c", 'dd bs="$1" count=1 iflag=fullblock of="$2" 2>/dev/null; : >"$2.done"; exec sleep 1000', "sh", str(count), path],
            stdin=get.stdout)

    def has_taken(self):
        return os.path.exists(self.path + ".done")

    def kill(self):
        self.process.kill()
        self.process.wait()
        os.remove(self.path + ".done")
        with open(self.path, "rb") as file:
            taken = file.read()
        check(len(taken) <= self.count, "the reader took more than it should have")
        return taken[: taken.rfind(b"\n") + 1].decode().splitlines()


def main():
    randomness = seeded()
    with Folder() as folder:
        stream = folder + "/stream"
        run("stream-create", stream, "--shards", "4")
        producer = Producer(stream, [f"key{i}" for i in range(8)], " " + "x" * 300)
        delivered = 0
        counts = check_order([], "delivered")
        for _ in range(KILLS):
            producer.add(randomness.randrange(400), randomness)
            get = subprocess.Popen([program("stream-get"), stream, "-c", "pipe", "--lease-duration", "1s"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            reader = Reader(get, folder + "/taken", randomness.randrange(1, MOST))
            get.stdout.close()  # the reader alone has it
            wait_for(reader.has_taken, "the reader")
            taken = reader.kill()
            messages = get.stderr.read().decode()
            get.wait()
            get.stderr.close()
            check(get.returncode in (0, -13), f"exit {get.returncode}: {messages}")
            check_order(taken, "delivered", counts)
            delivered += len(taken)
        rest = run("stream-get", stream, "-c", "pipe").decode().splitlines()
        producer.check_all(check_order(rest, "delivered", counts), "delivered")
        check(consumer(stream, "pipe")["backlog"] == 0, "there is a backlog")
        check(run("stream-get", stream, "-c", "pipe") == b"", "what was read to the end comes again")
        total = sum(producer.counts.values())
        check(delivered > total // 2, "the checkpoint does not move, or the readers take too little to test anything")
        producer.close()
        verify(stream)
        print(f"{KILLS} readers killed: {total} records delivered, {delivered + len(rest) - total} of them again")


main()
