#!/usr/bin/env bats
# What the programs measure and keep in the stream.

load helpers

# expect_measured EXPRESSION: about s, as measured.py has it.
expect_measured() {
  python3 "$SHARDLOG_SOURCE/tests/cli/measured.py" s "$1"
}

@test "what is read is counted, for readers and for each consumer" {
  expect_silence stream-create s --shards 2
  printf 'a,1\nb,22\nc,333\nd,4444\n' | expect_silence stream-put s --key-field 1 -F,
  expect_status 0 stream-get s --follow --idle-exit 1s
  expect_status 0 stream-get s -c audit
  expect_measured 'plain.out.records == 4 and plain.out.calls == 1 and plain.read.count == 1'
  expect_measured 'plain.age.count == 4 and plain.propagation.count == 0'
  expect_measured 'consumer.out.records == 4 and consumer.out.bytes == 22 and consumer.out.calls == 1'
  expect_measured 'sum(shard.out.records for shard in shards.values()) == 8'
  expect_measured 'put.count == 0'
  expect_success stream-stats --verify s
}

@test "what a consumer's command fails with is read, and not processed" {
  expect_silence stream-create s
  seq 3 | expect_silence stream-put s
  expect_status 1 stream-get s -q -c audit --retries 0 --exec false
  expect_status 1 stream-get s -q -c audit --retries 0 --exec false
  expect_measured 'consumer.out.records == 6 and consumer.processed.records == 0'
  expect_status 0 stream-get s -q -c audit --exec 'cat >/dev/null'
  expect_measured 'consumer.out.records == 9 and consumer.processed.records == 3'
}

@test "a reader that finds the lock taken measures nothing, and does not wait" {
  expect_silence stream-create s
  echo a | expect_silence stream-put s
  flock s/lock sleep 30 3>&- &
  BACKGROUND+=($!)
  wait_until lock_is_held s
  took expect_success stream-get s --follow --idle-exit 1s
  [ "$TOOK" -lt 10000 ] || fail "it took $TOOK ms"
  expect_measured 'not readers'
}

# An empty log would have to be begun, and its header synced. A stream of less than 1 GiB has no segments: all goes through the
# log, which is emptied when it is long.
@test "a reader without a consumer leaves a stream as it is that nobody writes to" {
  expect_silence stream-create s --max-bytes 1023MiB --when-full trim
  seq 400000 | expect_silence stream-put s
  [ ! -s s/stream.db-wal ] || fail 'the log is not empty'
  expect_status 0 stream-get s --follow --idle-exit 1s
  [ ! -s s/stream.db-wal ] || fail 'the reader has begun a log'
  expect_measured 'not readers'
  echo a | expect_silence stream-put s
  expect_status 0 stream-get s --follow --idle-exit 1s
  expect_measured 'plain.out.records == 400001'
}

@test "a reader that may not write measures nothing, and says nothing about it" {
  enter_public_directory
  expect_silence stream-create s
  echo a | expect_silence stream-put s
  chmod 0755 s
  chmod 0444 s/*
  expect_success as_nobody stream-get s --follow --idle-exit 1s
  expect_stdout a
  expect_measured 'not readers'
}

@test "drop and sample: what is throttled and dropped is counted exactly" {
  expect_silence stream-create s --write-records 200
  seq 20000 | expect_status 1 stream-put s --on-throttle drop
  local dropped
  dropped=$(sed -E 's/.*: ([0-9,]+) records dropped.*/\1/; s/,//g' "$STDERR")
  expect_measured "shards[0].dropped.records == $dropped and shards[0].throttled.records >= $dropped"
  expect_measured "shards[0].throttled.records <= 20000 and shards[0].throttled.calls >= 1"
  expect_silence stream-create --update s --write-records 2000
  seq 20000 | expect_status 1 stream-put s --on-throttle sample --sample 10
  local sampled
  sampled=$(sed -E 's/.*: ([0-9,]+) records dropped.*/\1/; s/,//g' "$STDERR")
  expect_measured "shards[0].dropped.records == $dropped + $sampled"
}

@test "fail: what was refused counts as throttled, and not as dropped" {
  expect_silence stream-create s --write-records 10
  seq 100 | expect_status 75 stream-put s --on-throttle fail
  expect_measured '0 < shards[0].throttled.records <= 90 and shards[0].dropped.records == 0'
}

@test "a throttled reader counts its waits" {
  expect_silence stream-create s --read-bytes 400
  seq 300 | expect_silence stream-put s
  stream-get s -c audit >/dev/null  # 792 bytes, of which it gets 400 at once
  expect_measured 'shards[0].reads_throttled.calls == consumer.throttled.calls >= 1 and consumer.out.records == 300'
}

@test "latencies are those that are seen from outside, and propagation follows the interval of --poll" {
  python3 "$SHARDLOG_SOURCE/tests/cli/latencies.py" >"$STDOUT" || fail "$(cat "$STDOUT")"
}
