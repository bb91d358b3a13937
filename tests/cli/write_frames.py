"""Writes frames to stdout, by the layout in shardlog(5). Each line of stdin is a frame: how many seconds ago its records
arrived, how many there are, their data, and their key. Needs no record of a real stream, so the times can be any."""

import ctypes
import struct
import sys
import time

library = ctypes.CDLL("libxxhash.so.0")
hash_of = library.XXH3_64bits
seeded_hash_of = library.XXH3_64bits_withSeed
hash_of.restype = seeded_hash_of.restype = ctypes.c_uint64

ORIGIN = bytes(range(16))
DATA_LENGTHS, KEY_LENGTHS, KEYS, DATA = 0, 1, 2, 4


def checksum(header, rest):
    seed = hash_of(header, ctypes.c_size_t(len(header)))
    return struct.pack("<Q", seeded_hash_of(rest, ctypes.c_size_t(len(rest)), ctypes.c_uint64(seed)))


def payload(count, data, key):
    columns = {
        DATA_LENGTHS: struct.pack("<BI", 0, len(data)),
        KEY_LENGTHS: struct.pack("<BI", 0, len(key)),
        KEYS: key * count,
        DATA: (data + b"\n") * count,
    }
    body = b"".join(columns.values())
    bits = sum(1 << number for number in columns)
    header = struct.pack("<4sBBHIIII", b"SLRB", 1, 0, 0, bits, count, len(body), len(body))
    rest = struct.pack("<4I", *map(len, columns.values())) + body
    return header + checksum(header, rest) + rest


def frame(first, arrived, batch):
    digits = b"%d" % first
    header = struct.pack("<4sBBHII16sq", b"SLFR", 1, len(digits), 0, len(batch), 0, ORIGIN, arrived)
    return header + checksum(header, digits) + digits + batch


now = time.time_ns() // 1000
sequence = 1
for line in sys.stdin.buffer:
    ago, count, data, key = line.split()
    arrived = now - int(ago) * 1000000
    sys.stdout.buffer.write(frame(sequence, arrived, payload(int(count), data, key)))
    sequence += int(count)
