#!/usr/bin/env bats
# stream-stats over consumers and producers.

load helpers

# of STREAM FILTER: what the JSON page says.
of() {
  stream-stats --json "$1" | jq -c "$2"
}

# put_keyed STREAM FIRST LAST: numbered records of 16 keys.
put_keyed() {
  seq "$2" "$3" | awk '{ print "key" $1 % 16, $1 }' | expect_silence stream-put "$1" --key-field 1
}

# work STREAM NAME [OPTION...]: processes what there is.
work() {
  local stream=$1 name=$2
  shift 2
  expect_status 0 stream-get "$stream" -q -c "$name" --exec 'cat >/dev/null' "$@"
}

@test "a stream without consumers and producers" {
  stream-create s
  expect_equal "$(of s '[.consumers, .producers]')" '[[],[]]'
  expect_silence stream-stats s --consumers
  expect_silence stream-stats s --producers
  expect_silence stream-stats s --consumers --producers
  expect_success stream-stats s
  ! grep consumer "$STDOUT"
}

@test "a consumer's backlog is what came since, in all its shards" {
  stream-create s --shards 4
  put_keyed s 1 100
  work s nightly
  expect_equal "$(of s '.consumers[] | [.consumer, .generation, .workers, .backlog, .oldest, .age_seconds]')" \
    '["nightly",1,0,0,null,null]'
  put_keyed s 101 117
  arrived=$(stream-get s --json | jq -r 'select(.data | endswith(" 101")) | .arrived')
  expect_equal "$(of s '.consumers[] | [.backlog, .oldest]')" "[17,\"$arrived\"]"
  expect_equal "$(of s '[.consumers[].shards[].backlog] | add')" 17
  expect_equal "$(of s '.consumers[].age_seconds | . >= 0 and . < 600')" true
  # Each checkpoint is at the last record that was there before.
  for shard in 0 1 2 3; do
    expected=$(stream-get s --json --shard $shard | jq -r 'select((.data | split(" ")[1] | tonumber) <= 100) | .sequence' | tail -n 1)
    expect_equal "$(of s ".consumers[].shards[$shard] | [.checkpoint, .owner, .claimant]")" "[\"after:$expected\",null,null]"
  done
  expect_success stream-stats s
  grep -qE '^consumer   nightly: no worker, 17 records behind, the oldest ([0-9]+s|[0-9]+ms) old$' "$STDOUT"
  expect_success stream-stats s --consumers
  grep -qE '^backlog     17 records, the oldest ' "$STDOUT"
  grep -qx 'shards      4, none owned' "$STDOUT"
  expect_equal "$(grep -c '^shardId-' "$STDOUT")" 4
  work s nightly
  expect_success stream-stats s
  grep -qx 'consumer   nightly: no worker, nothing behind' "$STDOUT"
}

@test "consumers in the order of their names, and one of them alone" {
  stream-create s
  put s one two three
  work s b
  expect_status 0 stream-get s -q -c a --new --seek trim-horizon
  expect_success stream-stats s --consumers
  expect_equal "$(grep '^consumer ' "$STDOUT" | tr -s ' ')" $'consumer a\nconsumer b'
  expect_success stream-stats s -c b
  expect_equal "$(grep '^consumer ' "$STDOUT" | tr -s ' ')" 'consumer b'
  expect_equal "$(stream-stats s --json -c a | jq -c '[.records, (.consumers[] | .consumer, .backlog)]')" '[3,"a",3]'
}

@test "the owner of each shard, while it lives and when it was killed" {
  stream-create s --shards 2
  put s one
  start stream-get s -c g --follow --worker me --exec 'cat >/dev/null'
  owned() { [ "$(of s '[.consumers[].shards[] | select(.owner) | .owner.worker]')" = '["me","me"]' ]; }
  wait_until owned
  expect_equal "$(of s '[.consumers[].shards[].owner | [.pid, .gone]]')" "[[$PID,false],[$PID,false]]"
  expect_equal "$(of s '.consumers[].workers')" 1
  expect_success stream-stats s -c g
  expect_equal "$(grep -cE "^shardId-.*  me, pid $PID\$" "$STDOUT")" 2
  grep -qx 'shards      2, 2 owned by 1 worker' "$STDOUT"
  kill -KILL "$PID"
  wait_until is_gone "$PID"
  expect_equal "$(of s '[.consumers[] | .workers, (.shards[].owner.gone)]')" '[0,true,true]'
  expect_success stream-stats s -c g
  expect_equal "$(grep -cE "^shardId-.*  me, pid $PID, gone\$" "$STDOUT")" 2
}

@test "the shards that wait for their parents count too" {
  stream-create s
  put_keyed s 1 10
  expect_status 0 stream-get s -q -c g --new --seek trim-horizon
  stream-reshard split s 0
  put_keyed s 11 30
  expect_equal "$(of s '[.consumers[] | .backlog, (.shards | length), .shards[0].backlog]')" '[30,3,10]'
  expect_equal "$(of s '.consumers[].shards[1] | [.checkpoint, .generation, .epoch, .owner, .claimant]')" '[null,null,null,null,null]'
  expect_success stream-stats s -c g
  expect_equal "$(grep -c 'waits for its parents$' "$STDOUT")" 2
  work s g
  expect_equal "$(of s '[.consumers[] | .backlog, ([.shards[].shard[-1:]] | join(" "))]')" '[0,"1 2"]'
}

@test "what retention took is not behind anybody" {
  stream-create s
  put s a b c d
  expect_status 0 stream-get s -q -c g --new --seek trim-horizon
  sleep_past=$(of s '.shards[0].last.arrived')
  stream-create s --update --retention 1ms
  wait_until test "$(date +%s%N)" -gt "$(($(date -d "$(tr -d '"' <<<"$sleep_past")" +%s%N) + 2000000))"
  expect_equal "$(of s '[.consumers[] | .backlog, .oldest]')" '[0,null]'
}

@test "a consumer that is not there, and what does not go together" {
  stream-create s
  expect_failure 66 "consumer 'nobody'" stream-stats s -c nobody
  expect_failure 66 "consumer 'nobody'" stream-stats s -c nobody --json
  expect_failure 64 "consumer 'no body'.*1 to 128" stream-stats s -c 'no body'
  expect_failure 64 'which stream' stream-stats -c nobody
  expect_failure 64 'which stream' stream-stats --consumers
  expect_failure 64 'which stream' stream-stats --producers
  expect_failure 64 "does not go with" stream-stats s --verify --consumers
  expect_failure 64 "does not go with" stream-stats s --shard-for k -c nobody
}

@test "producers with what they have put" {
  stream-create s
  seq 7 | expect_silence stream-put s --producer import-7
  expect_equal "$(of s '[.producers[] | .producer, .source, .position]')" '["import-7","","7"]'
  of s '.producers[].moved' | grep -qE '^"20[0-9-]+T[0-9:.]+Z"$'
  stream-create copy --shards 2
  stream-get s --frames | expect_silence stream-put copy --frames --producer mirror
  expect_success stream-stats copy --producers
  uuid=$(of s .uuid | tr -d '"')
  grep -qE "^mirror +$uuid/shardId-000000000000 +7  20[0-9-]+T" "$STDOUT"
  expect_equal "$(wc -l <"$STDOUT")" 2
}

@test "a reader without the right to write sees consumers" {
  enter_public_directory
  stream-create s
  chmod -R a+rX s
  put s one two
  work s g
  put s three
  expect_success as_nobody stream-stats s -c g
  grep -qE '^backlog     1 record, ' "$STDOUT"
  expect_equal "$(as_nobody stream-stats s --json | jq '.consumers[].backlog')" 1
}

@test "the list as JSON has consumers" {
  mkdir streams
  export STREAM_DIR=$PWD/streams
  stream-create a
  stream-create b
  put a one
  work a g
  expect_equal "$(stream-stats --json | jq -c '[.stream, (.consumers | length)]' | tr -d '\n')" '["a",1]["b",0]'
}
