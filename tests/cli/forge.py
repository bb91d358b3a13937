"""forge.py STREAM SQL...: changes a stream, and makes the checksums of its settings, shards, consumers and producers right
again, by the rules of shardlog(5)."""

import sqlite3
import sys

from frames import xxh3


def signed(text):
    value = xxh3(text)
    return value - (1 << 64 if value >> 63 else 0)


def raw(column):
    return column if isinstance(column, bytes) else str(column).encode()


def row_checksum(*columns):
    return signed(b"".join(b"-\n" if column is None else b"%d:%s\n" % (len(raw(column)), raw(column)) for column in columns))


def shard_checksum(*columns):
    def text(column):
        return "-" if column is None else str(int.from_bytes(column, "big") if isinstance(column, bytes) else column)

    return signed((" ".join(map(text, columns)) + "\n").encode())


database = sqlite3.connect(sys.argv[1] + "/stream.db", isolation_level=None)
database.execute("PRAGMA wal_autocheckpoint=0")
database.create_function("row_checksum", -1, row_checksum)
database.create_function("shard_checksum", -1, shard_checksum)
for statement in sys.argv[2:]:
    assert database.execute(statement).rowcount > 0, statement
database.execute("UPDATE consumers SET checksum = row_checksum(uuid, name, generation, created_at, leases)")
database.execute("UPDATE producers SET checksum = row_checksum(name, source, position, proof, moved_at)")
database.execute(
    "UPDATE shards SET checksum ="
    " shard_checksum(id, first_hash_key, last_hash_key, parent, adjacent_parent, opened_at, closed_at, first_sequence)"
)
settings = database.execute("SELECT name, value FROM settings WHERE name != 'checksum'").fetchall()
lines = b"".join(
    b"%d:%s=%d:%s\n" % (len(name), name, len(value), value) for name, value in sorted((raw(n), raw(v)) for n, v in settings)
)
database.execute("UPDATE settings SET value = ? WHERE name = 'checksum'", ("%016x" % (signed(lines) % (1 << 64)),))
