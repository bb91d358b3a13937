#!/usr/bin/env bats
# A stream that somebody made or changed with right checksums: refused by name, or printed without harm.

load helpers

forge() {
  python3 "$SHARDLOG_SOURCE/tests/cli/forge.py" "$@"
}

setup_file() {
  export FORGED_TEMPLATE="$BATS_FILE_TMPDIR/s"
  "$SHARDLOG_BIN/stream-create" "$FORGED_TEMPLATE" --shards 2
  seq 20 | "$SHARDLOG_BIN/stream-put" "$FORGED_TEMPLATE" --key-field 1 --producer importer
  "$SHARDLOG_BIN/stream-reshard" split "$FORGED_TEMPLATE" 0
  "$SHARDLOG_BIN/stream-get" "$FORGED_TEMPLATE" -q -c billing --new --seek trim-horizon
}

# forged SQL...: a copy of the template, changed.
forged() {
  cp -r "$FORGED_TEMPLATE" s
  forge s "$@"
}

@test "a forgery that changes nothing is not noticed" {
  forged "UPDATE settings SET value = '42' WHERE name = 'version'"
  expect_success stream-stats s --verify
  expect_success stream-get s
  expect_equal "$(wc -l <"$STDOUT")" 20
}

@test "a uuid that commands a terminal is refused by every program, and shown with escapes" {
  forged "UPDATE settings SET value = char(27) || '[31m' WHERE name = 'uuid'"
  local refusal="^stream-(get|stats|put): stream 's': settings: uuid is '.x1b\[31m', which is not a UUID$"
  expect_failure 65 "$refusal" stream-get s --frames
  expect_failure 65 "$refusal" stream-stats s --json
  expect_failure 65 "$refusal" stream-put s </dev/null
}

@test "a shard that is its own parent, or comes before its parent, is refused by consumers too" {
  forged 'UPDATE shards SET parent = id WHERE id = 2'
  expect_failure 65 "'s': shard map: shardId-000000000002 has a parent that does not come before it" stream-get s -c new
  forge s 'UPDATE shards SET parent = 3 WHERE id = 2'
  expect_failure 65 "'s': shard map: shardId-000000000002" stream-get s -c new
}

@test "a consumer no lease of which leads to a shard is refused, not done" {
  forged "DELETE FROM leases" "UPDATE consumers SET leases = 0"
  expect_failure 65 "consumer 'billing': lease of .*: no lease" stream-get s -c billing
  expect_failure 65 "consumer 'billing': lease of .*: no lease" stream-stats s -c billing
  expect_status 65 stream-stats s --verify
  expect_empty "$STDERR"
  expect_stdout "consumer 'billing': lease of shardId-000000000001: no lease of the consumer leads to the shard"
}

@test "names of consumers and producers that are not names are refused with escapes" {
  forged "UPDATE consumers SET name = 'a' || char(10) || char(27)"
  expect_failure 65 "stream 's': consumer 'a.x0a.x1b'" stream-stats s
  rm -r s
  forged "UPDATE producers SET name = char(27) || replace(hex(zeroblob(128)), '0', 'x')"
  expect_failure 65 "stream 's': producer '.x1bx*': .*1 to 256 bytes" stream-stats s
  expect_failure 65 "stream 's': producer '.x1bx*': .*1 to 256 bytes" stream-put s --producer importer </dev/null
}

@test "what a newer program has added is kept by every change, or refused by the name of its feature" {
  forged "INSERT INTO settings VALUES ('feature:metrics', 'compatible'), ('metrics:interval', '60')" \
    "UPDATE settings SET value = value + 1 WHERE name = 'version'"
  expect_silence stream-create s --update --tag owner=billing --max-record-size 2KiB
  expect_silence stream-reshard split s 1
  put s more
  expect_success stream-stats s --verify
  expect_equal "$(sqlite3 -readonly s/stream.db "SELECT value FROM settings WHERE name LIKE '%metrics%' ORDER BY name")" \
    $'compatible\n60'
  forge s "UPDATE settings SET value = 'read' WHERE name = 'feature:metrics'"
  expect_success stream-get s
  expect_failure 65 "'s': the stream has the feature 'metrics', .*only be read: use a newer shardlog$" stream-put s </dev/null
  forge s "UPDATE settings SET value = 'incompatible' WHERE name = 'feature:metrics'"
  expect_failure 65 "'s': the stream has the feature 'metrics', which this program does not know: use a newer" stream-get s
  forge s "DELETE FROM settings WHERE name = 'feature:metrics'"
  expect_failure 65 "'s': settings: 'metrics:interval' is unknown" stream-stats s
  forge s "UPDATE settings SET name = 'tag:a' WHERE name = 'metrics:interval'" \
    "UPDATE settings SET value = 'brotli' WHERE name = 'compression'"
  expect_failure 65 "'s': settings: the compression 'brotli' is not known: use a newer shardlog$" stream-get s
}
