"""load.py MINUTES KEY=COUNT...: frames with so many records of each key in each of the last MINUTES whole minutes and in the
running one, as stream-put --frames --keep-times reads them; by the layouts in shardlog(5). The records are empty.

load.py middle KEY...: the hash key at which keys that come equally often are halved.
"""

import ctypes
import hashlib
import struct
import sys
import time

xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
xxh3.restype = ctypes.c_uint64


def checksum(seeded_by, text):
    seed = xxh3(seeded_by, ctypes.c_size_t(len(seeded_by)), ctypes.c_uint64(0))
    return struct.pack("<Q", xxh3(text, ctypes.c_size_t(len(text)), ctypes.c_uint64(seed)))


def payload(counts):
    keys = [key.encode() for key, count in counts for _ in range(count)]
    columns = [
        b"\0" + struct.pack("<I", 0),
        b"\1" + bytes(map(len, keys)),
        b"".join(keys),
        b"\n" * len(keys),
    ]
    body = b"".join(columns)
    present = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4
    head = struct.pack("<4sBBHIIII", b"SLRB", 1, 0, 0, present, len(keys), len(body), len(body))
    rest = b"".join(struct.pack("<I", len(column)) for column in columns) + body
    return head + checksum(head, rest) + rest


def frame(arrived, batch):
    head = struct.pack("<4sBBHII16sq", b"SLFR", 1, 1, 0, len(batch), 0, bytes(16), arrived * 10**6)
    return head + checksum(head, b"1") + b"1" + batch


if sys.argv[1] == "middle":
    hashes = sorted(int(hashlib.md5(key.encode()).hexdigest(), 16) for key in sys.argv[2:])
    print(hashes[len(hashes) // 2])
else:
    batch = payload([(key, int(count)) for key, count in (word.split("=") for word in sys.argv[2:])])
    minute = int(time.time()) // 60
    for ago in range(int(sys.argv[1]), -1, -1):
        sys.stdout.buffer.write(frame((minute - ago) * 60, batch))
