"""Reads frames from stdin, by the layout in shardlog(5), and prints what stream-get --json prints of the same records.

With --frames: a line for each frame instead: its stream, its first sequence number, and how many records it has.
"""

import base64
import datetime
import json
import struct
import sys
import uuid

HEADER = struct.Struct("<4sBBHII16sqQ")
PAYLOAD_HEADER = struct.Struct("<4sBBHIIIIQ")
DATA_LENGTHS, KEY_LENGTHS, KEYS, HASH_KEYS, DATA = 0, 1, 2, 3, 4


def lengths(column, count):
    width, values = column[0], column[1:]
    if width == 0:
        return list(struct.unpack("<I", values)) * count
    return list(struct.unpack(f"<{count}{ {1: 'B', 2: 'H', 4: 'I'}[width] }", values))


def cut(column, sizes, behind=0):
    at = 0
    for size in sizes:
        yield column[at : at + size]
        at += size + behind
    assert at == len(column)


def columns_of(payload):
    magic, version, codec, zero, bits, count, body_size, stored_size, _ = PAYLOAD_HEADER.unpack_from(payload)
    assert (magic, version, codec, zero) == (b"SLRB", 1, 0, 0) and body_size == stored_size
    numbers = [number for number in range(32) if bits >> number & 1]
    sizes = struct.unpack_from(f"<{len(numbers)}I", payload, PAYLOAD_HEADER.size)
    body = payload[PAYLOAD_HEADER.size + 4 * len(numbers) :]
    assert len(body) == body_size
    return count, dict(zip(numbers, cut(body, sizes)))


def records_of(payload):
    count, columns = columns_of(payload)
    keys = [None] * count
    if KEYS in columns:
        keys = [key.decode() or None for key in cut(columns[KEYS], lengths(columns[KEY_LENGTHS], count))]
    hash_keys = [None] * count
    if HASH_KEYS in columns:
        bitmap_size = (count + 7) // 8
        bitmap, values = columns[HASH_KEYS][:bitmap_size], columns[HASH_KEYS][bitmap_size:]
        present = [place for place in range(count) if bitmap[place // 8] >> place % 8 & 1]
        for place, value in zip(present, cut(values, [16] * len(present))):
            hash_keys[place] = str(int.from_bytes(value, "big"))
    yield from zip(keys, hash_keys, cut(columns[DATA], lengths(columns[DATA_LENGTHS], count), behind=1))


def frames(stream):
    while prefix := stream.read(HEADER.size):
        magic, version, digits, zero, payload_size, shard, origin, arrived, _ = HEADER.unpack(prefix)
        assert (magic, version, zero) == (b"SLFR", 1, 0)
        first = int(stream.read(digits))
        payload = stream.read(payload_size)
        assert len(payload) == payload_size
        yield uuid.UUID(bytes=origin), shard, first, arrived, payload


def to_json(shard, sequence, arrived, key, hash_key, data):
    epoch = datetime.datetime(1970, 1, 1)
    record = {"shard": f"shardId-{shard:012}", "sequence": str(sequence), "key": key}
    if hash_key is not None:
        record["hash_key"] = hash_key
    record["arrived"] = (epoch + datetime.timedelta(microseconds=arrived)).isoformat(timespec="microseconds") + "Z"
    try:
        record["data"] = data.decode()
    except UnicodeDecodeError:
        record["data_base64"] = base64.b64encode(data).decode()
    return json.dumps(record)


for origin, shard, first, arrived, payload in frames(sys.stdin.buffer):
    found = list(records_of(payload))
    if sys.argv[1:] == ["--frames"]:
        print(origin, first, len(found))
    else:
        for place, record in enumerate(found):
            print(to_json(shard, first + place, arrived, *record))
