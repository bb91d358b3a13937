#!/usr/bin/env bats
# The end of a stream that the disk has lost: SQLite ends its log at the first damaged frame, without a word.

load helpers

# Flips a bit in the second of three commits. The log is read again by whoever opens the stream next.
lose_the_end() {
  expect_silence stream-create s
  put s a
  local end
  end=$(stat -c %s s/stream.db-wal)
  put s b c
  put s d
  python3 -c '
import sys
with open(sys.argv[1], "r+b") as log:
    log.seek(int(sys.argv[2]) + 1000)
    byte = log.read(1)[0]
    log.seek(-1, 1)
    log.write(bytes([byte ^ 1]))' s/stream.db-wal "$end"
}

@test "a damaged log is told of after all that is right, and nothing is written over it" {
  lose_the_end
  expect_status 65 stream-get s
  expect_stdout a
  expect_stderr_line "'s': the end is missing: batches 2 to 3, with 3 records$"
  expect_status 65 stream-get s --follow
  expect_stdout a
  expect_status 65 stream-stats s --verify
  expect_stdout 'the end is missing: batches 2 to 3, with 3 records'
  cp s/stream.db-wal before
  expect_failure 65 'with 3 records; to go on without it: stream-create --update --accept-loss' stream-put s <<<x
  expect_failure 65 '[-]-accept-loss' stream-get s --consumer c
  expect_failure 65 '[-]-accept-loss' stream-reshard scale s 2
  expect_same s/stream.db-wal before
}

@test "a loss that was accepted stays on record, and no sequence number comes back" {
  lose_the_end
  expect_silence stream-create s --update --accept-loss
  printf '%s\n' e | expect_success stream-put s --ack
  expect_stdout $'shardId-000000000000\t5'
  expect_status 1 stream-get s
  expect_stdout $'a\ne'
  expect_stderr_line 'gap: shardId-000000000000 2..4 lost$'
  expect_success stream-stats s
  grep -Eq '^lost +3 records, accepted 20' "$STDOUT" || fail "$(cat "$STDOUT")"
  expect_success stream-stats s --json
  expect_equal "$(jq -c '[.records, (.losses[] | .records)]' "$STDOUT")" '[2,3]'
  expect_success stream-stats s --verify
  grep -q '^note: lost 3 records, accepted 20' "$STDOUT" || fail "$(cat "$STDOUT")"
  grep -q '^2 records in 2 batches: all as they were written$' "$STDOUT" || fail "$(cat "$STDOUT")"
}

@test "--accept-loss changes nothing where nothing is missing" {
  expect_silence stream-create s
  put s a
  expect_silence stream-create s --update --accept-loss
  expect_success stream-stats s --json
  expect_equal "$(jq -c .losses "$STDOUT")" '[]'
  expect_failure 64 '[-]-update' stream-create t --accept-loss
}
