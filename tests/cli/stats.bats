#!/usr/bin/env bats
# stream-stats over consumers and producers.

load helpers

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
  expect_equal "$(figures s '[.consumers, .producers]')" '[[],[]]'
  expect_success stream-stats s --consumers
  expect_stdout 'no consumer yet: stream-get s -c NAME'
  expect_success stream-stats s --producers
  expect_stdout 'no producers'
  expect_success stream-stats s --consumers --producers
  expect_stdout $'no consumer yet: stream-get s -c NAME\n\nno producers'
  expect_success stream-stats s
  grep -qx 'no consumer yet: stream-get s -c NAME' "$STDOUT"
}

@test "a consumer's backlog is what came since, in all its shards" {
  stream-create s --shards 4
  put_keyed s 1 100
  work s nightly
  expect_equal "$(figures s '.consumers[] | [.consumer, .generation, .workers, .backlog, .oldest, .age_seconds]')" \
    '["nightly",1,0,0,null,null]'
  put_keyed s 101 117
  arrived=$(stream-get s --json | jq -r 'select(.data | endswith(" 101")) | .arrived')
  expect_equal "$(figures s '.consumers[] | [.backlog, .oldest]')" "[17,\"$arrived\"]"
  expect_equal "$(figures s '[.consumers[].shards[].backlog] | add')" 17
  expect_equal "$(figures s '.consumers[].age_seconds | . >= 0 and . < 600')" true
  # Each checkpoint is at the last record that was there before.
  for shard in 0 1 2 3; do
    expected=$(stream-get s --json --shard $shard | jq -r 'select((.data | split(" ")[1] | tonumber) <= 100) | .sequence' | tail -n 1)
    expect_equal "$(figures s ".consumers[].shards[$shard] | [.checkpoint, .owner, .claimant]")" "[\"after:$expected\",null,null]"
  done
  expect_success stream-stats s
  grep -qE '^nightly +- +17 +([0-9]+s|[0-9]+ms)  no worker$' "$STDOUT"
  expect_success stream-stats s -c nightly
  expect_equal "$(head -n 1 "$STDOUT")" 'backlog     17 records'
  grep -qE '^age         ([0-9]+s|[0-9]+ms)$' "$STDOUT"
  grep -qx 'outlook     no worker' "$STDOUT"
  tail -n 1 "$STDOUT" | grep -q '^uuid '
  grep -qx 'shards      4, none owned' "$STDOUT"
  expect_equal "$(grep -cE '^    [0-3]  ' "$STDOUT")" 4
  work s nightly
  expect_success stream-stats s
  grep -qE '^nightly +- +0 +-  caught up$' "$STDOUT"
}

@test "consumers in the order of their names, and one of them alone" {
  stream-create s
  put s one two three
  work s b
  expect_status 0 stream-get s -q -c a --new --seek trim-horizon
  expect_success stream-stats s --consumers
  expect_equal "$(awk '{ print $1, $2, $3 }' "$STDOUT")" $'consumer workers behind\na - 3\nb - 0'
  expect_success stream-stats s -c b
  expect_equal "$(grep '^consumer ' "$STDOUT" | tr -s ' ')" 'consumer b'
  expect_equal "$(stream-stats s --json -c a | jq -c '[.records, (.consumers[] | .consumer, .backlog)]')" '[3,"a",3]'
}

@test "the owner of each shard, while it lives and when it was killed" {
  stream-create s --shards 2
  put s one
  start stream-get s -c g --follow --worker me --exec 'cat >/dev/null'
  owned() { [ "$(figures s '[.consumers[].shards[] | select(.owner) | .owner.worker]')" = '["me","me"]' ]; }
  wait_until owned
  expect_equal "$(figures s '[.consumers[].shards[].owner | [.process, .gone]]')" "[[\"pid $PID\",false],[\"pid $PID\",false]]"
  expect_equal "$(figures s '.consumers[].workers')" 1
  expect_success stream-stats s -c g
  expect_equal "$(grep -cE "^    [01]  me, pid $PID  " "$STDOUT")" 2
  grep -qx 'shards      2, 2 owned by 1 worker' "$STDOUT"
  kill -KILL "$PID"
  wait_until is_gone "$PID"
  expect_equal "$(figures s '[.consumers[] | .workers, (.shards[].owner.gone)]')" '[0,true,true]'
  expect_success stream-stats s -c g
  expect_equal "$(grep -cE "^    [01]  me, pid $PID, gone  " "$STDOUT")" 2
}

@test "the shards that wait for their parents count too" {
  stream-create s
  put_keyed s 1 10
  expect_status 0 stream-get s -q -c g --new --seek trim-horizon
  stream-reshard split s 0
  put_keyed s 11 30
  expect_equal "$(figures s '[.consumers[] | .backlog, (.shards | length), .shards[0].backlog]')" '[30,3,10]'
  expect_equal "$(figures s '.consumers[].shards[1] | [.checkpoint, .generation, .epoch, .owner, .claimant]')" '[null,null,null,null,null]'
  expect_success stream-stats s -c g
  expect_equal "$(grep -cE '^    [12]  waits for its parents  ' "$STDOUT")" 2
  work s g
  expect_equal "$(figures s '[.consumers[] | .backlog, ([.shards[].shard[-1:]] | join(" "))]')" '[0,"1 2"]'
}

@test "what retention took is not behind anybody" {
  stream-create s
  put s a b c d
  expect_status 0 stream-get s -q -c g --new --seek trim-horizon
  sleep_past=$(figures s '.shards[0].last.arrived')
  stream-create s --update --retention 1ms
  wait_until test "$(date +%s%N)" -gt "$(($(date -d "$(tr -d '"' <<<"$sleep_past")" +%s%N) + 2000000))"
  expect_equal "$(figures s '[.consumers[] | .backlog, .oldest]')" '[0,null]'
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
  expect_equal "$(figures s '[.producers[] | .producer, .source, .position]')" '["import-7","","7"]'
  figures s '.producers[].moved' | grep -qE '^"20[0-9-]+T[0-9:.]+Z"$'
  stream-create copy --shards 2
  stream-get s --frames | expect_silence stream-put copy --frames --producer mirror
  expect_success stream-stats copy --producers
  uuid=$(figures s .uuid | tr -d '"')
  grep -qE "^mirror +$uuid/shardId-000000000000 +7\$" "$STDOUT"
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
  grep -qx 'backlog     1 record' "$STDOUT"
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

@test "without STREAM the streams of the working directory where STREAM_DIR is not set" {
  expect_status 0 stream-stats
  expect_empty "$STDOUT"
  expect_stderr_line "no streams in '.': stream-create NAME makes one"
  stream-create b
  stream-create a
  put a one
  expect_success stream-stats
  expect_equal "$(awk '{ print $1, $2, $3 }' "$STDOUT")" $'stream shards records\na 1 1\nb 1 0'
  expect_equal "$(stream-stats --json | jq -r .stream | tr '\n' ' ')" 'a b '
}

@test "of many shards the busiest and where the others stand, or all of them" {
  stream-create s --shards 100
  seq 1000 | expect_silence stream-put s --key-field 1
  expect_success stream-stats s
  expect_equal "$(grep -cE '^ +[0-9]+ +1% ' "$STDOUT")" 8
  busiest=$(figures s '[.shards[].records] | max' | tr -d '"')
  expect_equal "$(grep -m 1 -E '^ +[0-9]+ +1% ' "$STDOUT" | awk '{ print $4 }')" "$busiest"
  grep -qE '^[▁▂▃▄▅▆▇█]{50}$' "$STDOUT"
  LC_ALL=C expect_success stream-stats s
  grep -qE '^[.:=#]{50}$' "$STDOUT"
  expect_success stream-stats s --shards
  expect_equal "$(grep -cE '^ +[0-9]+ +1% ' "$STDOUT")" 100
}

# on_screen ROWS COLUMNS COMMAND...
on_screen() {
  python3 "$SHARDLOG_SOURCE/tests/cli/on_screen.py" "$@"
}

@test "no line is wider than the terminal" {
  name=$(printf 'n%.0s' $(seq 128))
  for shards in 1 4 100 1000; do
    stream-create "s$shards" --shards "$shards" --tag "team=$name"
    seq 2000 | expect_silence stream-put "s$shards" --key-field 1
  done
  expect_status 0 stream-get s4 -q -c "$name" --new --seek trim-horizon
  expect_silence stream-reshard split s4 0
  for columns in 60 80 100 200; do
    for stream in s1 s4 s100 s1000 .; do
      [ "$stream" != . ] || stream=
      on_screen 24 $columns stream-stats $stream >"$OUTPUT"
      expect_equal "$(grep -E "^.{$((columns + 1))}" "$OUTPUT")" ''
      [ -s "$OUTPUT" ]
    done
    on_screen 24 $columns stream-stats s4 -c "$name" >"$OUTPUT"
    expect_equal "$(grep -E "^.{$((columns + 1))}" "$OUTPUT")" ''
  done
  # A pipe is a terminal of 80 columns.
  expect_equal "$(stream-stats s4 | without_ages_and_rates)" "$(on_screen 24 80 stream-stats s4 | without_ages_and_rates)"
}

# Ages and rates change from one page to the next, and with them the widths of their columns and what is left for a long name.
without_ages_and_rates() {
  sed -E 's/ +([0-9]+(ms|s|m) ?)+( +no worker)/ AGE\3/
    /^(in|out|producer|propagation|consumer|age|latency|throttled) /d; /last hour/d
    s/% +<?[0-9][0-9.,]*/% RATE/; s/n+\.\.\.n+/NAME/; s/ +/ /g'
}

@test "--watch takes its interval as the next word, and prints page after page into a pipe" {
  stream-create s
  start stream-stats --watch 10ms s
  wait_until has_lines 40 "$OUTPUT"
  expect_end_by TERM
  head -n 1 "$STDOUT" | grep -q '^s  1 shard open, kept forever, zstd: '
  [ "$(grep -c '^s  1 shard ' "$STDOUT")" -gt 2 ]
  ! grep -q $'\033' "$STDOUT"
  start stream-stats s --watch
  wait_until has_lines 10 "$OUTPUT"
  expect_end_by TERM
  expect_failure 64 'is not an interval' stream-stats --watch 0 s
}

@test "--watch tells whether a consumer falls behind or catches up" {
  stream-create s
  put s 1
  start stream-get -q s -c slow -f --batch 1 --exec 'cat >/dev/null; touch begun; until [ -e go ]; do sleep 0.01; done'
  wait_until test -e begun
  local worker=$PID
  stream-stats --watch 20ms --consumers s >watched 3>&- &
  BACKGROUND+=("$!")
  wait_until puts_and_sees 'falling behind by [0-9,]+/s'
  touch go
  wait_until grep -qE 'caught up in [0-9ms ]+ at this rate' watched
  wait_until grep -q 'caught up' watched
  [ "$(stream-stats s --json | jq '.consumers[0].trend')" = null ]
  kill -TERM "$worker"
}

puts_and_sees() {
  seq 100 | stream-put s
  grep -qE "$1" watched
}

@test "--watch draws over the page before, fits the height, and draws again when the size changes" {
  stream-create s --shards 10
  python3 "$SHARDLOG_SOURCE/tests/cli/on_screen.py" --resize 12 40 8 60 stream-stats --watch 1h s >"$OUTPUT"
  # Two pages, each at the top and no longer than the screen leaves room for.
  expect_equal "$(grep -o $'\033\\[Hs  10 shards' "$OUTPUT" | wc -l)" 2
  [ "$(grep -cE '^and [0-9]+ more (lines|shards)' "$OUTPUT")" -ge 2 ]
  expect_equal "$(awk '/Hs  10/ { ++page } { ++lines[page] } END { print lines[1], lines[2] }' "$OUTPUT")" '11 8'
}
