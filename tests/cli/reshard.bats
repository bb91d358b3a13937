#!/usr/bin/env bats
# stream-reshard and reading across what it does.

load helpers

@test "4 to 3 gives the ids that Kinesis gives" {
  stream-create s --shards 4
  expect_silence stream-reshard scale s 3
  [ "$(open_shards s)" = "6 9 10" ]
}

@test "a dry run prints the plan and changes nothing" {
  stream-create s --shards 4
  expect_success stream-reshard scale s 3 --dry-run
  grep -q '^before ' "$STDOUT"
  grep -q '^after ' "$STDOUT"
  [ "$(grep -c -E '^ +[0-9]+  (split|merge)' "$STDOUT")" -eq 5 ]
  [ "$(open_shards s)" = "0 1 2 3" ]
}

@test "the plan as JSON is what is applied" {
  stream-create s --shards 2
  stream-reshard split s 1 --dry-run --json > plan
  stream-reshard split s 1 --json > applied
  cmp plan applied
  [ "$(jq -r '.open | join(" ")' plan)" = "shardId-000000000000 shardId-000000000002 shardId-000000000003" ]
  [ "$(jq -r '.steps[0].opens[1].parent' plan)" = "shardId-000000000001" ]
}

@test "a split is in the middle, at a hash key, or at a key" {
  stream-create s
  stream-reshard split s 0
  [ "$(stream-stats s --json | jq -r '.shards[2].first_hash_key')" = 170141183460469231731687303715884105728 ]
  stream-reshard split s 1 --at 5
  [ "$(stream-stats s --json | jq -r '.shards[4].first_hash_key')" = 5 ]
  key=$(python3 -c 'import hashlib; print(int(hashlib.md5("k1".encode()).hexdigest(), 16))')
  stream-reshard split s "$(stream-stats s --shard-for k1 | awk 'END { print $2 }')" --at-key k1
  stream-stats s --json | jq -r '.shards[].first_hash_key' | grep -qx "$key"
}

@test "what makes no sense is refused and changes nothing" {
  stream-create s --shards 4
  stream-reshard merge s 0 1
  expect_failure 64 "closed; shardId-000000000004 took over" stream-reshard split s 0
  expect_failure 66 "shardId-000000000009: no such shard; the stream has shards 0 to 4" stream-reshard split s 9
  expect_failure 64 "not adjacent" stream-reshard merge s 4 3
  expect_failure 64 "not adjacent" stream-reshard merge s 2 2
  expect_failure 64 "cannot be split at hash key 0" stream-reshard split s 4 --at 0
  expect_failure 64 "cannot be split" stream-reshard split s 4 --at 340282366920938463463374607431768211455
  expect_failure 64 "decimal number" stream-reshard split s 4 --at x
  expect_failure 64 "1 to 10000" stream-reshard scale s 0
  expect_failure 64 "1 to 10000" stream-reshard scale s 10001
  expect_failure 64 "split, merge, scale or auto" stream-reshard shrink s 2
  expect_failure 64 "one SHARD" stream-reshard split s 2 3
  expect_failure 66 "no such stream" stream-reshard scale t 2
  [ "$(open_shards s)" = "2 3 4" ]
}

@test "a range of one hash key cannot be split" {
  stream-create s
  stream-reshard split s 0 --at 1
  expect_failure 64 "one hash key" stream-reshard split s 1
}

@test "a producer that began before goes on after, with its acknowledgements" {
  stream-create s --shards 2
  mkfifo in
  stream-put s --key-field 1 --ack < in > acks &
  exec 7> in
  printf 'a 1\nb 1\nc 1\nd 1\n' >&7
  wait_until has_lines 4 acks
  stream-reshard scale s 3
  printf 'a 2\nb 2\nc 2\nd 2\n' >&7
  exec 7>&-
  wait $!
  [ "$(wc -l < acks)" -eq 8 ]
  # Each acknowledgement names the place where that very record is.
  printf 'a 1\nb 1\nc 1\nd 1\na 2\nb 2\nc 2\nd 2\n' | paste acks - | sort > expected
  stream-get s --json | jq -r '[.shard, .sequence, .data] | @tsv' | sort > found
  cmp expected found
  expect_success stream-stats s --verify
}

@test "a closed shard ends at its end, with its descendants it goes on" {
  stream-create s
  seq 5 | stream-put s --key-field 1
  stream-reshard scale s 4
  seq 6 10 | stream-put s --key-field 1
  expect_status 0 stream-get s --shard 0 -v
  expect_stdout "$(seq 5)"
  grep -q "shardId-000000000000 is closed; shardId-000000000001 and shardId-000000000002 took over" "$STDERR"
  expect_success stream-get s --shard 0 -f
  expect_stdout "$(seq 5)"
  stream-get s --shard 0 --descendants | sort -n > found
  seq 10 | cmp - found
}

@test "a follower goes on into the children" {
  stream-create s
  stream-get s --shard 0 --descendants -f > followed &
  follower=$!
  echo before | stream-put s -k k
  wait_until grep -q before followed
  stream-reshard split s 0
  echo after | stream-put s -k k
  wait_until grep -q after followed
  kill "$follower"
}

@test "stats show the lineage" {
  stream-create s --shards 2
  stream-reshard merge s 0 1
  expect_success stream-stats s
  grep -q '1 shard open, 2 closed' "$STDOUT"
  grep -q 'closed, 2 took over' "$STDOUT"
  python3 "$SHARDLOG_SOURCE/tests/cli/on_screen.py" 24 100 stream-stats s | grep -q 'from 0 and 1'
  [ "$(stream-stats s --json | jq -c '.shards[2].parents')" = '["shardId-000000000000","shardId-000000000001"]' ]
  [ "$(stream-stats s --shard-for k | wc -l)" -eq 2 ]
}
