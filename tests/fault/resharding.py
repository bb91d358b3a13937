"""What the tests share that reshard at random beside producers with few keys."""

import json
import subprocess
import threading

from support import check, program, run

PRODUCERS = 8
KEYS = 16


class Producer(threading.Thread):
    """Puts numbered records under its keys, ten at a time, each ten acknowledged, until it is told to stop. Each key belongs
    to one producer, so its order is the producer's."""

    def __init__(self, stream, number, *options):
        super().__init__()
        self.number = number
        self.going = threading.Event()
        self.going.set()
        self.count = 0
        self.put = subprocess.Popen([program("stream-put"), stream, "--key-field", "1", "--ack", *options],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self):
        while self.going.is_set():
            for _ in range(10):
                key = self.number + PRODUCERS * (self.count % (KEYS // PRODUCERS))
                self.put.stdin.write(b"key%d %d\n" % (key, self.count))
                self.count += 1
            self.put.stdin.flush()
            for _ in range(10):
                self.put.stdout.readline()
        self.put.stdin.close()
        message = self.put.stderr.read()
        check(self.put.wait() == 0, f"producer {self.number}: {message.decode()}")


def shards(stream):
    return json.loads(run("stream-stats", stream, "--json"))["shards"]


def check_tiles(found):
    following = 0
    for shard in sorted((s for s in found if s["open"]), key=lambda s: int(s["first_hash_key"])):
        check(int(shard["first_hash_key"]) == following, f"{shard['shard']} leaves a hole or overlaps")
        following = int(shard["last_hash_key"]) + 1
    check(following == 2**128, "the key space is not covered")


def random_step(randomness, stream, found):
    """Changes the shards that were found; returns those that are there then."""
    open_shards = [s["shard"] for s in sorted((s for s in found if s["open"]), key=lambda s: int(s["first_hash_key"]))]
    choice = randomness.random()
    if choice < 0.2:
        run("stream-reshard", "scale", stream, str(randomness.randint(1, 12)))
    elif choice < 0.6 or len(open_shards) == 1:
        run("stream-reshard", "split", stream, randomness.choice(open_shards))
    else:
        place = randomness.randrange(len(open_shards) - 1)
        run("stream-reshard", "merge", stream, open_shards[place], open_shards[place + 1])
    found = shards(stream)
    check_tiles(found)
    return found
