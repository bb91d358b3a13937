"""The records that are measured with: files of $SHARDLOG_BENCH_MIB, made when a row asks for them first."""

import itertools
import os
import random
import shlex

from measure import MEBIBYTES, run

LINE = 100  # bytes of a line of lines and json, with its newline
BLOCK = min(MEBIBYTES, 64) << 20  # of these bytes a file repeats: farther apart than any compressor looks
PRINTABLE = bytes(33 + byte % 94 for byte in range(256))


def file(name):
    """Makes the file, unless it is there, and brings it into memory. Returns its name."""
    own = os.environ.get("SHARDLOG_BENCH_LOGS")
    if name == "logs" and own:
        run(f"[ -e logs ] || ln -s {shlex.quote(own)} logs")
    elif not os.path.exists(name):
        write(name, KINDS[name](random.Random(4711)))
    run(f"cat {name}")
    return name


def write(name, records):
    block = bytearray()
    while len(block) < BLOCK:
        block += next(records)
    with open(name, "wb") as out:
        for _ in range(-(-(MEBIBYTES << 20) // len(block))):
            out.write(block)


def count(name):
    """How many records there are, of lines or json."""
    return os.path.getsize(name) // LINE


def lines(_):
    """Records of 100 bytes with 10,000 different first fields; what follows is noise, which no two records share."""
    for i in itertools.count():
        yield b"k%04d %s\n" % (i * 7919 % 10_000, os.urandom(LINE - 7).translate(PRINTABLE))


def words(chance):
    """Lines of 15 words. As in a language, few words are frequent and most are rare; Zstandard, level 1, makes them
    2.4 times smaller."""
    letters = "etaoinshrdlcumwfgypbvk"
    vocabulary = ["".join(chance.choices(letters, range(len(letters), 0, -1), k=chance.randrange(2, 10))) for _ in range(20_000)]
    ranks = list(itertools.accumulate(1 / (rank + 8) for rank in range(len(vocabulary))))
    while True:
        yield (" ".join(chance.choices(vocabulary, cum_weights=ranks, k=15)) + "\n").encode()


def json(_):
    """JSON lines of 100 bytes with 10,000 users."""
    for i in itertools.count():
        start = '{"user":"k%04d","n":%d,"ok":true,"ms":%d.%d,"text":"' % (i * 7919 % 10_000, i, i * 31 % 977, i % 10)
        yield (start + "x" * (LINE - len(start) - 3) + '"}\n').encode()


def logs(chance):
    """What a web service logs, an object a line: times, request ids, addresses and durations differ from line to line, and
    levels, paths and texts repeat."""
    paths = [f"/api/v{v}/{thing}" for v in (1, 2) for thing in ("orders", "customers", "carts", "sessions", "products", "search")]
    agents = ["curl/7.88.1", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "okhttp/4.12.0"]
    texts = ["request done", "cache miss, reading from the database", "retrying after a timeout of the payment service", "slow query"]
    time = 1_790_000_000.0
    while True:
        time += chance.expovariate(500)
        yield (
            '{"time":%.6f,"level":"%s","service":"shop-%d","request_id":"%016x","client":"10.%d.%d.%d","method":"%s",'
            '"path":"%s/%d","status":%d,"ms":%.3f,"agent":"%s","message":"%s"}\n'
            % (time, chance.choice(("INFO", "INFO", "INFO", "WARN", "ERROR")), chance.randrange(8), chance.getrandbits(64),
               chance.randrange(4), chance.randrange(256), chance.randrange(256), chance.choice(("GET", "GET", "POST")),
               chance.choice(paths), chance.randrange(100_000), chance.choice((200, 200, 200, 201, 404, 500)),
               chance.lognormvariate(2, 1), chance.choice(agents), chance.choice(texts))).encode()


KINDS = {"lines": lines, "words": words, "json": json, "logs": logs}
