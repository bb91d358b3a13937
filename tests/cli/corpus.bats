#!/usr/bin/env bats
# Streams that every released version has made, from tests/corpus: read as they were, and written on.

load helpers

setup_file() {
  cd "$BATS_FILE_TMPDIR" || return
  local archive
  for archive in "$SHARDLOG_SOURCE"/tests/corpus/*.tar.gz; do
    mkdir "$(basename "$archive" .tar.gz)"
    tar -xzf "$archive" -C "$(basename "$archive" .tar.gz)"
  done
}

# each COMMAND...: runs it with every stream of every release, a copy as RELEASE/STREAM, as its last argument.
each() {
  local path count=0
  cp -r "$BATS_FILE_TMPDIR"/[0-9]* .
  for path in [0-9]*/*/; do
    "$@" "${path%/}" || fail "the stream ${path%/}" || return
    count=$((count + 1))
  done
  [ "$count" -ge 5 ] || fail "only $count streams"
}

# The paths at which what was known of a stream differs now. What later versions say in addition does not matter.
differences() {
  jq -nc --slurpfile known "$1" --slurpfile found "$2" '
    [$known[0] | paths(type != "object")
      | select(. as $path | [$known[0], $found[0]] | map(getpath($path) | if type == "array" then length else . end) | .[0] != .[1])]'
}

is_read() {
  local known="$SHARDLOG_SOURCE/tests/corpus/$1"
  "$SHARDLOG_SOURCE/tests/corpus/records" "$1" >got && expect_same got "$known.records" || return
  expect_success stream-stats --json "$1" || return
  expect_equal "$(differences "$known.json" "$STDOUT")" "[]" || return
  expect_success stream-stats --verify "$1"
}

# A loss that was accepted is a gap, for which a reader exits with 1.
takes_a_record() {
  local before
  before=$(stream-get -q "$1" | wc -l)
  put "$1" 'a new record' && expect_success stream-stats --verify "$1" || return
  expect_equal "$(stream-get -q "$1" | wc -l)" $((before + 1)) && expect_equal "$(stream-get -q "$1" --from last:1)" 'a new record'
}

@test "a stream of every released version is read, with all that is known of it" {
  each is_read
}

@test "a stream of every released version takes a record" {
  each takes_a_record
}

@test "what was begun with every released version goes on: a consumer, a producer, tags, attributes and shards" {
  local stream backlog
  cp -r "$BATS_FILE_TMPDIR"/[0-9]* .
  for stream in [0-9]*/everything; do
    backlog=$(jq '.consumers[0].backlog' "$SHARDLOG_SOURCE/tests/corpus/$stream.json")
    expect_equal "$(stream-get "$stream" -q -c billing | wc -l)" "$backlog"
    seq -f 'key%.0f of the producer' 11 | expect_silence stream-put "$stream" --key-field 1 --producer loader
    expect_equal "$(stream-get "$stream" -q -c billing)" 'key11 of the producer'
    expect_silence stream-create "$stream" --update --tag owner=shop --untag empty
    expect_silence stream-reshard scale "$stream" 4
    expect_success stream-stats --json "$stream"
    expect_equal "$(jq -c '[.tags, ([.shards[] | select(.open)] | length)]' "$STDOUT")" '[{"owner":"shop"},4]'
    expect_equal "$(sqlite3 -readonly "$stream/stream.db" "SELECT value FROM settings WHERE name = 'attribute:app'")" 'version=1'
    expect_success stream-stats --verify "$stream"
  done
}

@test "a position in a stream of every released version is found through its index" {
  local stream
  for stream in "$BATS_FILE_TMPDIR"/[0-9]*/indexed; do
    cp -r "$stream" indexed
    expect_equal "$(sqlite3 -readonly indexed/stream.db 'SELECT count(*) > 0 FROM batch_index')" 1
    expect_equal "$(stream-get indexed --shard 0 --from at:7)" 'after the index'
    expect_equal "$(stream-get indexed --shard 0 --from after:3 -n 1 | cut -c 1-13)" 'part-2 part-2'
    rm -r indexed
  done
}
