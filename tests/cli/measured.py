"""measured.py STREAM EXPRESSION: what a stream's metrics say, read by the words of shardlog(5) alone. All periods are added up.

The expression must be true. It can use `shards` (by number: out, throttled, dropped, reads_throttled, trimmed, each as
records, bytes and calls), `readers` (by UUID: out, throttled, read, propagation, age, skewed, processed), `put`, `consumer`
(the only reader that has a UUID) and `plain` (the readers without one). A histogram has count, max, sum, mean and
percentile()."""
import ctypes
import sqlite3
import struct
import sys


class Counts:
    def __init__(self, records=0, bytes=0, calls=0):
        self.records, self.bytes, self.calls = records, bytes, calls

    def add(self, other):
        self.__init__(self.records + other.records, self.bytes + other.bytes, self.calls + other.calls)

    def __repr__(self):
        return f"{self.records} records, {self.bytes} bytes, {self.calls} calls"

    def __eq__(self, other):
        return (self.records, self.bytes, self.calls) == other


class Histogram:
    def __init__(self):
        self.buckets, self.max, self.sum = {}, 0, 0.0

    count = property(lambda self: sum(self.buckets.values()))
    mean = property(lambda self: self.sum / self.count)

    def add(self, other):
        for bucket, times in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + times
        self.max, self.sum = max(self.max, other.max), self.sum + other.sum

    def percentile(self, percent):
        left = self.count * percent / 100
        for bucket, times in sorted(self.buckets.items()):
            left -= times
            if left <= 0:
                return bucket if bucket < 128 else (bucket % 64 + 64.5) * 2 ** (bucket // 64 - 1)

    def __repr__(self):
        return f"{self.count} lengths, mean {self.mean:.0f} us, max {self.max} us" if self.count else "none"


class Group:
    def __init__(self, **parts):
        self.parts = parts

    def __getattr__(self, name):
        return self.parts[name]

    def add(self, other):
        for name, part in self.parts.items():
            part.add(other.parts[name])

    def __repr__(self):
        return str(self.parts)


def new_shard():
    return Group(trimmed=Counts(), out=Counts(), throttled=Counts(), dropped=Counts(), reads_throttled=Counts())


def new_reader():
    return Group(out=Counts(), throttled=Counts(), read=Histogram(), propagation=Histogram(), age=Histogram(), skewed=Counts(),
                 processed=Counts())


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size : self.at]

    def number(self):
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def counts(self):
        return Counts(self.number(), self.number(), self.number())

    def histogram(self):
        histogram, bucket = Histogram(), 0
        for _ in range(self.number()):
            bucket += self.number()
            histogram.buckets[bucket] = self.number()
            bucket += 1
        if histogram.buckets:
            histogram.max = self.number()
            (histogram.sum,) = struct.unpack("<d", self.take(8))
        return histogram


def plain(data):
    codec = data[0]
    body = Bytes(data[1:])
    if codec == 0:
        return body
    assert codec == 2
    size = body.number()
    rest = body.take(len(body.data) - body.at)
    result = ctypes.create_string_buffer(size)
    assert ctypes.CDLL("libzstd.so.1").ZSTD_decompress(result, size, rest, len(rest)) == size
    return Bytes(result.raw)


class Measured:
    def __init__(self, stream):
        self.shards, self.readers, self.put = {}, {}, Histogram()
        database = sqlite3.connect(f"file:{stream}/stream.db?mode=ro", uri=True)
        for (data,) in database.execute("SELECT data FROM metrics"):
            self.add(plain(data))
        database.close()

    def add(self, data):
        assert data.take(1) == b"\x02"
        number = 0
        for _ in range(data.number()):
            number += data.number()
            present, shard = data.number(), new_shard()
            for bit, name in enumerate(shard.parts):
                if present >> bit & 1:
                    shard.parts[name].add(data.counts())
            self.shards.setdefault(number, new_shard()).add(shard)
            number += 1
        self.put.add(data.histogram())
        for _ in range(data.number()):
            name = data.take(data.number()).decode()
            reader = Group(out=data.counts(), throttled=data.counts(), read=data.histogram(), propagation=data.histogram(),
                           age=data.histogram(), skewed=Counts(data.number()), processed=Counts(data.number()))
            self.readers.setdefault(name, new_reader()).add(reader)
        assert data.at == len(data.data)

    def variables(self):
        consumers = [reader for name, reader in self.readers.items() if name]
        return {"shards": self.shards, "readers": self.readers, "put": self.put, "plain": self.readers.get("", new_reader()),
                "consumer": consumers[0] if len(consumers) == 1 else new_reader()}


if __name__ == "__main__":
    variables = Measured(sys.argv[1]).variables()
    if not eval(sys.argv[2], {}, variables):
        sys.exit(f"not so: {sys.argv[2]}\n{variables}")
