#!/usr/bin/env bats
# Retention, positions in what is left, the repair of the clock, and stream-stats over many streams.

load helpers

@test "records stay for ever unless a retention is chosen" {
  expect_silence stream-create s
  expect_equal "$(figures s .retention_seconds)" null
  expect_success stream-stats s
  grep -q ', kept forever, ' "$STDOUT"
}

@test "a retention is chosen at the creation and changed later" {
  expect_silence stream-create --retention 36h s
  expect_equal "$(figures s .retention_seconds)" 129600
  expect_success stream-stats s
  grep -q ', kept 1d 12h, ' "$STDOUT"
  expect_silence stream-create --update --retention 1500ms s
  expect_equal "$(figures s .retention_seconds)" 1.5
  expect_silence stream-create --update --tag a=b s
  expect_equal "$(figures s .retention_seconds)" 1.5
  expect_silence stream-create --update --retention forever s
  expect_equal "$(figures s .retention_seconds)" null
}

@test "a retention that is not valid is a usage error" {
  local text
  for text in 0 -1s 5 never ''; do
    expect_failure 64 "retention" stream-create --retention="$text" s
  done
  [ ! -e s ]
}

@test "what has expired is not read, and its space is given back" {
  expect_silence stream-create s
  head -c 8000000 /dev/urandom | base64 | expect_silence stream-put s
  local before records
  before=$(cat s/stream.db s/stream.0* | wc -c)
  records=$(figures s .records)
  expect_silence stream-create --update --retention 1us s
  expect_no_records s
  expect_equal "$(figures s '[.records, .shards[0].trimmed_records]')" "[0,$records]"
  expect_equal "$(find s -name 'stream.0*')" ''
  [ "$(stat -c %s s/stream.db)" -lt $((before / 10)) ]
  expect_success stream-stats --verify s
  expect_silence stream-create --update --retention 1h s
  put s new
  expect_data s new
  expect_equal "$(figures s '.shards[0].first.sequence')" "\"$((records + 1))\""
}

@test "a writer trims as it goes" {
  expect_silence stream-create --retention 200ms s
  put s old
  wait_until has_expired s
  put s new
  expect_equal "$(sqlite3 -readonly s/stream.db 'SELECT batch FROM trim_horizon; SELECT count(*) FROM batches')" $'1\n1'
}

@test "the page says what was trimmed" {
  expect_silence stream-create s
  put s a b c
  expect_silence stream-create --update --retention 1us s
  expect_success stream-stats s -v
  grep -qx 'retention  1us, 3 records trimmed' "$STDOUT"
  grep -qE '^ +0 .* 3 trimmed$' "$STDOUT"
}

# --- the clock ---------------------------------------------------------------------------------------------------------------

@test "--repair-clock brings arrivals of the future back" {
  need_faketime
  expect_silence stream-create s
  put s now
  echo later | at +10d stream-put s
  expect_silence stream-create --update --repair-clock s
  stream-get --json s | jq -r '[.sequence, .data] | @tsv' >got
  printf '1\tnow\n2\tlater\n' >expected
  expect_same got expected
  expect_equal "$(stream-get --json s | jq -s 'all(.arrived <= (now | todate | sub("Z$"; ".999999Z")))')" true
  put s more
  expect_success stream-stats --verify s
}

@test "--repair-clock is for a stream that is there" {
  expect_failure 64 "update" stream-create --repair-clock s
}

# --- many streams --------------------------------------------------------------------------------------------------------------

@test "without STREAM stream-stats lists those below STREAM_DIR" {
  mkdir streams
  expect_silence stream-create streams/b --shards 3
  expect_silence stream-create streams/a
  mkdir streams/none streams/.stream-unfinished
  touch streams/file
  put streams/a one two
  export STREAM_DIR=$PWD/streams
  expect_success stream-stats
  expect_equal "$(awk '{ print $1, $2, $3 }' "$STDOUT")" $'stream shards records\na 1 2\nb 3 0'
  expect_success stream-stats --json
  expect_equal "$(jq -c '[.stream, .records]' "$STDOUT")" $'["a",2]\n["b",0]'
}

@test "without STREAM nothing but a list can be had" {
  expect_failure 64 'which stream' env STREAM_DIR=. stream-stats --verify
  expect_failure 64 'which stream' env STREAM_DIR=. stream-stats --shard-for a
  expect_failure 64 'empty name' env STREAM_DIR=. stream-stats ''
  expect_failure 66 "'absent'" env STREAM_DIR=absent stream-stats
  mkdir empty
  STREAM_DIR=empty expect_status 0 stream-stats
  expect_empty "$STDOUT"
  expect_stderr_line "no streams in 'empty'"
  STREAM_DIR=empty expect_silence stream-stats -q
}

@test "a stream that is damaged does not hide the others" {
  expect_silence stream-create a
  expect_silence stream-create c
  mkdir b
  echo junk >b/stream.db
  expect_status 1 env STREAM_DIR=. stream-stats
  expect_stderr_line "/b'"
  expect_equal "$(awk '{ print $1 }' "$STDOUT")" $'stream\na\nc'
}

# --- watching --------------------------------------------------------------------------------------------------------------------

@test "--watch shows the page again until a signal comes" {
  expect_silence stream-create s
  start stream-stats --watch=20ms --json s
  wait_until has_lines 2 "$OUTPUT"
  put s a
  wait_until grep -q '"records":1,' "$OUTPUT"
  expect_end_by TERM
  expect_empty "$STDERR"
}

@test "--watch without an interval takes no other argument" {
  expect_silence stream-create s
  start stream-stats --watch s
  wait_until grep -q '^s  1 shard open, ' "$OUTPUT"
  expect_end_by INT
}

@test "--watch wants an interval above 0" {
  expect_silence stream-create s
  expect_failure 64 'watch' stream-stats --watch=0 s
  expect_failure 64 'watch' stream-stats --watch=often s
}
