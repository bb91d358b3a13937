"""Frames and their checksums, by the layouts in shardlog(5) and with nothing of the programs."""

import ctypes
import struct

library = ctypes.CDLL("libxxhash.so.0")
library.XXH3_64bits.restype = library.XXH3_64bits_withSeed.restype = ctypes.c_uint64

DATA_LENGTHS, KEY_LENGTHS, KEYS, DATA = 0, 1, 2, 4


def xxh3(text):
    return library.XXH3_64bits(text, ctypes.c_size_t(len(text)))


def checksum(header, rest):
    value = library.XXH3_64bits_withSeed(rest, ctypes.c_size_t(len(rest)), ctypes.c_uint64(xxh3(header)))
    return struct.pack("<Q", value)


def payload(keys, data):
    """A record of each key, all with the same data."""
    columns = {
        DATA_LENGTHS: struct.pack("<BI", 0, len(data)),
        KEY_LENGTHS: b"\1" + bytes(map(len, keys)),
        KEYS: b"".join(keys),
        DATA: (data + b"\n") * len(keys),
    }
    body = b"".join(columns.values())
    bits = sum(1 << number for number in columns)
    header = struct.pack("<4sBBHIIII", b"SLRB", 1, 0, 0, bits, len(keys), len(body), len(body))
    rest = struct.pack("<4I", *map(len, columns.values())) + body
    return header + checksum(header, rest) + rest


def frame(first, arrived, batch):
    """`first` is a sequence number; `arrived` is in microseconds."""
    digits = b"%d" % first
    header = struct.pack("<4sBBHII16sq", b"SLFR", 1, len(digits), 0, len(batch), 0, bytes(range(16)), arrived)
    return header + checksum(header, digits) + digits + batch
