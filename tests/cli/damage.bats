#!/usr/bin/env bats
# Damage is told, or does no harm; it never yields a wrong record, a crash or a hang. What is tried: damage.py.

load helpers

damage() {
  python3 "$SHARDLOG_SOURCE/tests/cli/damage.py" "$1"
}

@test "a damaged byte of the database" {
  damage database
}

@test "a damaged byte of the write-ahead log" {
  damage wal
}

@test "a damaged byte of the write-ahead log while others have the stream open" {
  damage wal-in-use
}

@test "a database or write-ahead log that was cut" {
  damage truncation
}

@test "nothing is delivered behind a damaged batch, however much there is" {
  # Many small batches: a piece that is read at once holds several, and there are several pieces.
  expect_silence stream-create s --shards 3 --compression none
  local n
  for n in $(seq 0 39); do
    seq $((n * 40000 + 1000001)) $((n * 40000 + 1040000)) >part
    cat part >>input
    expect_silence stream-put s part
  done
  python3 - s/stream.db s/stream.db-wal <<'PYTHON'
import sys
found = 0
for path in sys.argv[1:]:
    with open(path, "r+b") as file:
        content = file.read()
        at = content.find(b"\n1820000\n")
        while at >= 0:
            found += 1
            file.seek(at + 1)
            file.write(b"9")
            at = content.find(b"\n1820000\n", at + 1)
assert found
PYTHON
  expect_status 65 stream-get s
  expect_stderr_line "'s'.*batch"
  head -n "$(wc -l <"$STDOUT")" input >expected
  expect_same "$STDOUT" expected
  expect_equal "$(wc -l <"$STDOUT")" 800000
  expect_status 65 stream-get --json s
  expect_equal "$(wc -l <"$STDOUT")" 800000
  expect_status 65 stream-stats --verify s
  [ -s "$STDOUT" ]
}
