#!/usr/bin/env bats
# Large commits, whose payloads are in files beside the database. Most of this is tried in tests/engine; here is what a
# user sees of it.

load helpers

# 5 MB: a put uses a segment from 4 MiB on.
large() {
  seq -f '%099.0f' 50000
}

# large_stream OPTIONS...: makes s, with these lines, and the file lines.
large_stream() {
  large >lines
  expect_silence stream-create --compression none "$@" s && expect_silence stream-put s lines
}

@test "a large put is read as it was put, is trimmed, and goes with the stream" {
  large_stream
  [ "$(stat -c %a s/stream.00000001)" = 600 ] || fail "the segment has another mode than the stream"
  stream-get s | cmp - lines
  expect_success stream-stats --verify s
  expect_equal "$(grep -c note: "$STDOUT")" 0
  # Live and stored bytes are told apart.
  expect_success stream-stats --json s
  expect_equal "$(jq '[.shards[].bytes] | add' "$STDOUT")" "$((99 * 50000))"
  expect_equal "$(jq .stored_bytes "$STDOUT")" "$(cat s/stream.0* s/stream.db s/stream.db-wal | wc -c)"
  expect_silence stream-create --update --retention 1us s
  expect_equal "$(find s -name 'stream.0*')" ''
  expect_silence stream-put s lines
  expect_equal "$(find s -name 'stream.0*')" s/stream.00000002
  expect_silence stream-create --remove s
  expect_equal "$(echo *)" lines
}

@test "a damaged segment is told, and nothing of the batch is delivered" {
  large_stream
  printf '!' | dd of=s/stream.00000001 bs=1 seek=100000 conv=notrunc status=none
  expect_status 65 stream-get s
  expect_stderr_line "'s': batch [0-9]*: .*checksum"
  head -c "$(wc -c <"$STDOUT")" lines | cmp - "$STDOUT"
  expect_status 65 stream-stats --verify s
  grep -q "batch [0-9]*: .*checksum" "$STDOUT"
  rm s/stream.00000001
  expect_status 65 stream-get s
  expect_stderr_line "'s': batch [0-9]*: stream.00000001 is missing"
  # What is damaged does not keep others from putting.
  expect_silence stream-put s lines
  expect_equal "$(stream-get s --from last:1)" "$(tail -n 1 lines)"
}

@test "what the stream does not use is named, and an update removes it" {
  large_stream
  echo "left over" >s/stream.00000002
  head -c 1000 lines >>s/stream.00000001
  expect_success stream-stats --verify s
  grep -qx "note: the stream does not use the last 1000 bytes of stream.00000001; a later writer gives that space back" "$STDOUT"
  grep -qx "note: the stream does not use stream.00000002; a later writer gives that space back" "$STDOUT"
  expect_silence stream-create --update s
  expect_success stream-stats --verify s
  expect_equal "$(grep -c note: "$STDOUT")" 0
  stream-get s | cmp - lines
}

@test "a shared stream shares its segments" {
  large_stream --group "$(id -gn)"
  [ "$(stat -c '%a %G' s/stream.00000001)" = "660 $(id -gn)" ] || fail "the segment is not shared"
}
