"""The records that are measured with."""

import os
import random

LINE = 100  # bytes of a record with its newline
PRINTABLE = bytes(33 + byte % 94 for byte in range(256))


def lines(path, mebibytes):
    """Records of 100 bytes with 10,000 different first fields; what follows is noise, which no two records share."""
    count = mebibytes * 1024 * 1024 // LINE
    tail = LINE - 8
    with open(path, "wb") as file:
        for start in range(0, count, 10_000):
            noise = os.urandom(10_000 * tail).translate(PRINTABLE)
            file.write(b"".join(b"k%04d %s\n" % (i * 7919 % 10_000, noise[i % 10_000 * tail:(i % 10_000 + 1) * tail] + b"x")
                                for i in range(start, min(start + 10_000, count))))
    return count


def keyed_json(path, mebibytes):
    """JSON lines of 100 bytes with 10,000 users."""
    count = mebibytes * 1024 * 1024 // LINE
    with open(path, "w") as file:
        for i in range(count):
            start = '{"user":"k%04d","n":%d,"ok":true,"ms":%d.%d,"text":"' % (i * 7919 % 10_000, i, i * 31 % 977, i % 10)
            file.write(start + "x" * (LINE - len(start) - 3) + '"}\n')
    return count


def json_logs(path, mebibytes):
    """What a web service logs, an object a line: times, request ids, addresses and durations differ from line to line, and
    levels, paths and texts repeat."""
    chance = random.Random(4711)
    paths = [f"/api/v{v}/{thing}" for v in (1, 2) for thing in ("orders", "customers", "carts", "sessions", "products", "search")]
    agents = ["curl/7.88.1", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "okhttp/4.12.0"]
    texts = ["request done", "cache miss, reading from the database", "retrying after a timeout of the payment service", "slow query"]
    written, size, time = 0, mebibytes * 1024 * 1024, 1_790_000_000.0
    with open(path, "w") as file:
        while written < size:
            time += chance.expovariate(500)
            written += file.write(
                '{"time":%.6f,"level":"%s","service":"shop-%d","request_id":"%016x","client":"10.%d.%d.%d","method":"%s",'
                '"path":"%s/%d","status":%d,"ms":%.3f,"agent":"%s","message":"%s"}\n'
                % (time, chance.choice(("INFO", "INFO", "INFO", "WARN", "ERROR")), chance.randrange(8), chance.getrandbits(64),
                   chance.randrange(4), chance.randrange(256), chance.randrange(256), chance.choice(("GET", "GET", "POST")),
                   chance.choice(paths), chance.randrange(100_000), chance.choice((200, 200, 200, 201, 404, 500)),
                   chance.lognormvariate(2, 1), chance.choice(agents), chance.choice(texts)))
