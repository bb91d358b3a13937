#!/usr/bin/env bats
# stream-put --frames --keep-times: a copy that can be read by time as the original.

load helpers

# When each record arrived, its key and its data; sorted, where shards differ.
times() {
  stream-get --json "$@" | jq -r '[.arrived, .key, .data] | @tsv' | sort
}

# expect_times STREAM FILE
expect_times() {
  times "$1" >got && expect_same got "$2"
}

# Stream a: records with and without keys, in three commits with a split among them; and its frames.
make_original() {
  new_stream a --shards 2
  printf '{"key":"k%d","data":"first %d"}\n' 1 1 2 2 3 3 4 4 | expect_silence stream-put a --json
  put a plain "another plain one"
  expect_silence stream-reshard split a 0
  printf '{"key":"k%d","data":"second %d"}\n' 1 1 2 2 3 3 4 4 | expect_silence stream-put a --json
  stream-get a --frames >frames
  times a >original
  expect_equal "$(cut -f 1 original | uniq | wc -l)" 3
}

# The n-th of the times at which records of the original arrived.
original_time() {
  cut -f 1 original | uniq | sed -n "$1p"
}

@test "a copy has the arrival times of the original, with any shards and compression" {
  make_original
  new_stream one --compression none
  new_stream many --shards 16
  local copy
  for copy in one many; do
    expect_silence stream-put "$copy" --frames --keep-times frames
    expect_times "$copy" original
    times "$copy" --from "$(original_time 2)" --until "$(original_time 3)" >got
    times a --from "$(original_time 2)" --until "$(original_time 3)" >expected
    expect_equal "$(wc -l <expected)" 2
    expect_same got expected
    expect_success stream-stats --verify "$copy"
  done
}

@test "what comes in pieces and through a pipe keeps its times too, and nothing is nothing" {
  make_original
  new_stream copy --shards 3
  expect_silence stream-put copy --frames --keep-times </dev/null
  expect_no_records copy
  stream-get a --frames | expect_success stream-put copy --frames --keep-times --ack --rate 1000000 --linger 1ms
  expect_equal "$(grep -c '^shardId-' "$STDOUT")" 10
  expect_times copy original
}

@test "without --keep-times records arrive when they come" {
  make_original
  new_stream copy
  expect_silence stream-put copy --frames frames
  expect_equal "$(times copy --until "$(original_time 3)" | wc -l)" 0
}

@test "--keep-times is a usage error without --frames" {
  new_stream s
  local framing
  for framing in '' --json --whole -0; do
    # shellcheck disable=SC2086
    expect_failure 64 "--keep-times: it goes with --frames" stream-put s --keep-times $framing </dev/null
  done
}

@test "what the target has newer records than is moved to the newest, counted, and the exit is 1" {
  make_original
  new_stream copy --shards 2
  put copy "newer than all"
  local newest
  newest=$(times copy | cut -f 1)
  expect_failure 1 '^stream-put: 10 records committed, 10 of them with another arrival time, the last is [0-9]+ of shardId-[0-9]+$' \
    stream-put copy --frames --keep-times frames
  expect_equal "$(times copy | cut -f 1 | uniq)" "$newest"
  expect_success stream-stats --verify copy
  put a "newer than that"
  stream-get a --from last:1 --frames | expect_silence stream-put copy --frames --keep-times
  expect_equal "$(times copy | tail -n 1)" "$(times a | tail -n 1)"
}

@test "joined files of frames that go back in time are counted, where they do" {
  make_original
  new_stream copy
  cat frames frames >twice
  expect_failure 1 ': 20 records committed, 6 of them with another arrival time' stream-put copy --frames --keep-times twice
}

@test "no record is older than the child shard that it is in" {
  make_original
  new_stream copy --shards 2
  expect_silence stream-reshard split copy 1
  expect_status 1 stream-put copy --frames --keep-times frames
  local opened
  opened=$(stream-stats --json copy | jq -r '.shards[] | select(.shard == "shardId-000000000002") | .opened')
  stream-get --json copy | jq -r --arg opened "$opened" 'select(.shard >= "shardId-000000000002" and .arrived != $opened)' >"$OUTPUT"
  expect_empty "$OUTPUT"
  local moved
  moved=$(times copy | grep -c "^$opened")
  [ "$moved" -gt 0 ]
  expect_stderr_line "10 records committed, $moved of them with another arrival time"
}

@test "a shard that closes under the run loses no time" {
  make_original
  new_stream copy --shards 2
  feed pipe
  start stream-put copy --frames --keep-times pipe
  cat frames >&"$FEED"
  wait_until has_records 10 copy
  expect_silence stream-reshard scale copy 3
  put a late
  printf '{"key":"k%d","data":"late %d"}\n' 1 1 2 2 3 3 4 4 | expect_silence stream-put a --json
  times a >original
  stream-get a --from last:5 --frames >&"$FEED"
  exec {FEED}>&-
  expect_exit 0
  expect_empty "$STDERR"
  expect_times copy original
  expect_success stream-stats --verify copy
}

@test "what is past the retention of the target is refused, or left out" {
  make_original
  new_stream brief --retention 1us
  expect_failure 65 "byte 0 of 'frames': it arrived at $(original_time 1), which is before the stream's retention; no records committed" \
    stream-put brief --frames --keep-times frames
  expect_status 1 stream-put brief --frames --keep-times --on-error skip --ack frames
  expect_equal "$(grep -c $'^-\tit arrived at .* before the stream.s retention$' "$STDOUT")" 10
  expect_equal "$(wc -l <"$STDOUT")" 10
  # A frame is named once, however many records are in it.
  expect_equal "$(grep -c "'frames': it arrived at" "$STDERR")" "$(python3 "$SHARDLOG_SOURCE/tests/cli/read_frames.py" --frames <frames | wc -l)"
  expect_equal "$(tail -n 1 "$STDERR")" "stream-put: 10 records skipped; no records committed"
}

@test "what is within the retention is kept, and what is not is refused by its own time" {
  need_faketime
  new_stream a
  echo old | at -10d stream-put a
  put a new
  new_stream copy --retention 7d
  put copy newest  # to which the old one would be moved
  stream-get a --frames >frames
  expect_failure 65 "'frames': it arrived at .*, which is before the stream's retention" stream-put copy --frames --keep-times frames
  expect_records copy <(echo newest)
  new_stream other --retention 7d
  expect_status 1 stream-put other --frames --keep-times --on-error skip frames
  expect_equal "$(tail -n 1 "$STDERR")" "stream-put: 1 record skipped; 1 record committed, the last is 1 of shardId-000000000000"
  expect_equal "$(times other)" "$(times a --from last:1)"
  new_stream all
  expect_silence stream-put all --frames --keep-times frames
  expect_equal "$(times all)" "$(times a)"
}

@test "a record from the future does not set the clock of the target" {
  need_faketime
  new_stream a
  echo ahead | at +10d stream-put a
  new_stream copy
  stream-get a --frames | expect_failure 1 ': 1 record committed, 1 of them with another arrival time' \
    stream-put copy --frames --keep-times
  put copy now
  expect_equal "$(stream-get --json copy | jq -s 'all(.arrived <= (now | todate | sub("Z$"; ".999999Z")))')" true
}

@test "with --producer a copy stays exactly once, whatever the first run stored" {
  make_original
  new_stream copy --shards 3
  head -c $(($(stat -c %s frames) - 1)) frames >cut
  expect_failure 65 "frame: cut off" stream-put copy --frames --keep-times --producer p cut
  expect_silence stream-put copy --frames --keep-times --producer p frames
  expect_times copy original
  put a more
  times a >original
  stream-get a --frames | expect_silence stream-put copy --frames --keep-times --producer p
  expect_times copy original
  # What is stored already is neither refused nor counted.
  expect_silence stream-create --update --retention 1us copy
  expect_silence stream-put copy --frames --keep-times --producer p frames
}
