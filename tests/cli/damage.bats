#!/usr/bin/env bats
# Damage is told, or does no harm; it never yields a wrong record, a crash or a hang. Most of this is tried in
# tests/engine/damaged_files_test.cpp, by one process; here is what a user sees of it.

load helpers

# flip FILE OFFSET: changes the lowest bit of one byte.
flip() {
  python3 - "$1" "$2" <<'PYTHON'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte ^ 1]))
PYTHON
}

# offset_of TEXT FILE: of the last place where it stands.
offset_of() {
  grep -abo "$1" "$2" | tail -n 1 | cut -d : -f 1
}

@test "a damaged byte of a record is told by every program that reads it" {
  expect_silence stream-create --compression none s
  put s first
  put s second
  # While one has the stream open, SQLite does not look at the checksums of its log.
  start stream-get --follow --from latest s
  wait_until follows "$PID"
  flip s/stream.db-wal "$(offset_of second s/stream.db-wal)"
  expect_status 65 stream-get s
  expect_stdout first
  expect_stderr_line "'s'.*batch 2.*checksum"
  expect_status 65 stream-stats --verify s
  grep -q "batch 2" "$STDOUT"
}

# A process that waits for commits has an inotify descriptor.
follows() {
  [ -n "$(find "/proc/$1/fd" -lname '*inotify*' 2>/dev/null)" ]
}

@test "a damaged header of the database is refused by every program" {
  expect_silence stream-create s
  put s first
  flip s/stream.db 17  # the size of a page
  rm s/stream.db-wal
  local program
  for program in get stats put; do
    echo second | expect_failure 65 "'s'" stream-$program s
  done
  expect_failure 65 "'s'" stream-stats --verify s
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
  # The damaged line is the 820,000th: the 20,000th of its commit, which is dealt out in three runs of 13,333 or 13,334.
  expect_equal "$(wc -l <"$STDOUT")" 813333
  expect_status 65 stream-get --json s
  expect_equal "$(wc -l <"$STDOUT")" 813333
  expect_status 65 stream-stats --verify s
  [ -s "$STDOUT" ]
}
