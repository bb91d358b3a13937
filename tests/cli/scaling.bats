#!/usr/bin/env bats
# stream-reshard auto: shards are split and merged by the load that they carry. A shard takes 1000 records a second.

load helpers

# old_stream DAYS ARGUMENT...: made so many days ago.
old_stream() {
  local days=$1
  shift
  need_faketime
  at "-${days}d" stream-create "$@"
}

# carry STREAM KEY=COUNT...: so many records of each key in each of the last 17 minutes. The measured minutes are among them,
# also if one more begins meanwhile.
carry() {
  local stream=$1
  shift
  python3 "$SHARDLOG_SOURCE/tests/cli/load.py" 16 "$@" | expect_silence stream-put "$stream" --frames --keep-times
}

keys=(ant bee cat dog elk fox)

# Each of six keys has 150 records a second: 90 % of a shard.
carry_evenly() {
  carry "$1" "${keys[@]/%/=9000}"
}

@test "a shard that carries too much is split where its load halves, and that is said" {
  old_stream 1 s
  carry_evenly s
  middle=$(python3 "$SHARDLOG_SOURCE/tests/cli/load.py" middle "${keys[@]}")
  expect_success stream-reshard auto s --dry-run
  cp "$STDOUT" planned
  expect_equal "$(open_shards s)" 0
  expect_success stream-reshard auto s
  expect_same "$STDOUT" planned
  expect_equal "$(head -n 1 planned)" \
    "shardId-000000000000 carried 90 % of its capacity or more in each of the last 15 minutes, over the target of 70 %"
  grep -q "^before  |-*0-*|  1 open$" planned
  grep -qx "    1  split 0 -> 1 + 2 at $middle, 900 records and 2.6 KiB a second" planned
  expect_equal "$(open_shards s)" "1 2"
  expect_success stream-stats s --verify
}

@test "nothing is decided twice within 15 minutes, and -v says why" {
  old_stream 1 s
  carry_evenly s
  expect_success stream-reshard auto s --json
  jq -e '.reason | startswith("shardId-000000000000 carried 90 %")' "$STDOUT"
  jq -e '.hot_keys == [] and .open == ["shardId-000000000001", "shardId-000000000002"] and .steps[0].records == 900' "$STDOUT"
  expect_silence stream-reshard auto s
  expect_status 0 stream-reshard auto s -v
  expect_empty "$STDOUT"
  expect_equal "$(head -n 1 "$STDERR")" "stream-reshard: the latest decision is 0 minutes old, and there is at most one in 15 minutes"
  grep -q "^stream-reshard: the latest decision: shardId-000000000000 carried 90 %" "$STDERR"
  expect_equal "$(open_shards s)" "1 2"
}

@test "many that decide at once decide once" {
  old_stream 1 s
  carry_evenly s
  local pids=()
  for i in 1 2 3 4; do
    stream-reshard auto s >"said.$i" 3>&- &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  expect_equal "$(cat said.* | grep -c ' split ')" 1
  expect_equal "$(open_shards s)" "1 2"
}

@test "neighbours that carry little are merged, two of them at a time" {
  old_stream 2 s --shards 5
  carry s ant=600
  expect_success stream-reshard auto s
  expect_equal "$(head -n 1 "$STDOUT")" \
    "neighbours' peaks of the last 24 hours add up to 35 % of a shard's capacity or less"
  expect_equal "$(stream-stats s --json | jq '[.shards[] | select(.open)] | length')" 3
}

@test "neighbours are left alone whose load of the last day does not fit into one shard" {
  old_stream 2 s --shards 2
  at -3h python3 "$SHARDLOG_SOURCE/tests/cli/load.py" 1 ant=24000 >frames
  expect_silence stream-put s --frames --keep-times frames
  expect_silence stream-reshard auto s
  expect_success stream-reshard auto s --target 90
  expect_equal "$(open_shards s)" 2
}

@test "--min and --max are kept to" {
  old_stream 2 quiet --shards 2
  expect_silence stream-reshard auto quiet --min 2
  expect_success stream-reshard auto quiet --min 3
  expect_equal "$(head -n 1 "$STDOUT")" "there are fewer than 3 shards"
  expect_equal "$(open_shards quiet)" "1 2 3"
  old_stream 2 busy
  carry_evenly busy
  expect_silence stream-reshard auto busy --max 1
  expect_silence stream-reshard auto busy --target 95%
  expect_equal "$(open_shards busy)" 0
}

@test "a key that is too hot for a split is named with its share" {
  old_stream 1 s
  carry s ant=57000 bee=1200
  expect_status 0 stream-reshard auto s
  expect_empty "$STDOUT"
  expect_stderr_line "; 98 % of shardId-000000000000 is the key 'ant', which cannot be split$"
  expect_silence stream-reshard auto s -q
  expect_success stream-reshard auto s --json
  jq -e '.steps == [] and .hot_keys[0].key == "ant" and .hot_keys[0].shard == "shardId-000000000000"' "$STDOUT"
  jq -e '.hot_keys[0].share > 0.97 and .hot_keys[0].share < 0.99' "$STDOUT"
  expect_equal "$(open_shards s)" 0
}

@test "a new stream is left alone until it is measured" {
  expect_silence stream-create s
  expect_silence stream-reshard auto s
  expect_failure 0 "shardId-000000000000 has been measured for 0 of 15 minutes$" stream-reshard auto s -v
}

@test "what auto does not understand is refused" {
  expect_silence stream-create s
  expect_failure 64 "auto takes STREAM and nothing else: stream-reshard auto STREAM" stream-reshard auto s 3
  expect_failure 64 "--target '0' is not a percentage" stream-reshard auto s --target 0
  expect_failure 64 "--target '101' is not a percentage" stream-reshard auto s --target 101
  expect_failure 64 "--min '0' is not a number from 1 to 10000" stream-reshard auto s --min 0
  expect_failure 64 "--max '10001' is not a number from 1 to 10000" stream-reshard auto s --max 10001
  expect_failure 64 "--min 3 is more than --max 2" stream-reshard auto s --min 3 --max 2
  expect_failure 64 "--target, --min and --max go with auto" stream-reshard scale s 2 --max 3
  expect_failure 64 "--at and --at-key go with split" stream-reshard auto s --at 5
  expect_failure 66 "no such stream" stream-reshard auto t
}

@test "the writers of an on-demand stream do it themselves, above half of a shard's capacity" {
  old_stream 1 s --mode on-demand
  old_stream 1 t
  carry s "${keys[@]/%/=6000}"
  carry t "${keys[@]/%/=6000}"
  for stream in s t; do echo later | at +60s stream-put "$stream" -k ant; done
  expect_equal "$(open_shards s)" "1 2"
  expect_equal "$(open_shards t)" 0
  stream-stats s --json | jq -e '.mode == "on-demand"'
  expect_equal "$(stream-get s --from last:1 --format '{data} {shard}')" \
    "later $(stream-stats s --shard-for ant | awk '$4 != "closed" { print $2 }')"
  expect_success stream-stats s --verify
}

@test "auto leaves an on-demand stream to its writers" {
  expect_silence stream-create s --mode on-demand
  expect_failure 64 "auto: 's' is on-demand, its writers do that; stream-create s --update --mode provisioned ends it" \
    stream-reshard auto s
  expect_failure 0 "stream 's' exists, and its --mode is not as asked: --update sets it" \
    stream-create s --if-missing --mode provisioned
  expect_silence stream-create s --update --mode provisioned
  expect_silence stream-reshard auto s
  expect_failure 64 "--mode 'x' is neither provisioned nor on-demand" stream-create s --update --mode x
}
