#!/usr/bin/env bats
# Records without a key are dealt out over the open shards in runs, so that readers of one shard each have something to
# share, and whoever reads all of them has the order of the input.

load helpers

# acknowledged FILE OPTION...: puts the file, with the shard and sequence number of each record in the file acks.
acknowledged() {
  local file=$1
  shift
  stream-put --ack s "$@" "$file" >acks
  expect_equal "$(wc -l <acks)" "$(wc -l <"$file")"
}

# The lengths of the runs in the file acks, in order.
runs() {
  cut -f 1 acks | uniq -c | awk '{ print $1 }'
}

# expect_even SHARDS FILE: the first column of the file names that many shards, none of them more than twice as often as another.
expect_even() {
  cut -f 1 "$2" | sort | uniq -c >counts
  awk -v shards="$1" '
    NR == 1 || $1 < least { least = $1 }
    $1 > most { most = $1 }
    END { exit !(NR == shards && most <= 2 * least) }' counts || fail "not even: $(cat counts)"
}

# Each acknowledgement is that of its record.
expect_acknowledged() {
  paste acks "$1" >expected
  stream-get s --format '{shard}\t{sequence}\t{data}' >got
  expect_same got expected
}

@test "a short input has one run a shard, of 256 records at least" {
  expect_silence stream-create --shards 4 s
  local records
  for records in 1 255 511 512 767 1024 5000; do
    seq "$records" >"$records"
    acknowledged "$records"
    echo "$records:" $(runs)
  done >got
  cat >expected <<'RUNS'
1: 1
255: 255
511: 511
512: 256 256
767: 383 384
1024: 256 256 256 256
5000: 1250 1250 1250 1250
RUNS
  expect_same got expected
  cat 1 255 511 512 767 1024 5000 >all
  expect_records s all
}

@test "4000 records are shared evenly by 4 shards, however they come" {
  seq 4000 >input
  local feed
  for feed in 'cat input' 'seq 4000' "awk '{ print; fflush() }' input" 'head -n 10 input; tail -n +11 input'; do
    rm -rf s
    expect_silence stream-create --shards 4 s
    bash -c "$feed" | stream-put --ack s >acks
    expect_even 4 acks
    expect_acknowledged input
  done
}

@test "a longer input goes in runs of 256 KiB" {
  expect_silence stream-create --shards 8 s
  seq 1000000 | awk '{ printf "%099d\n", $1 } $1 == 83886 { exit }' >input  # 8 MiB
  acknowledged input
  expect_even 8 acks
  # 2622 records are 256 KiB. The last run is what is left.
  expect_equal "$(runs | sed '$d' | wc -l)" 32
  runs | sed '$d' | awk '$1 < 2600 || $1 > 2622' >others
  expect_empty others
  expect_acknowledged input
}

@test "as many MiB as there are shards are shared evenly, out of a pipe too" {
  seq 1000000 | awk '{ printf "%01023d\n", $1 } $1 == 3072 { exit }' >input  # 3 MiB
  expect_silence stream-create --shards 3 s
  cat input | stream-put --ack s >acks
  expect_even 3 acks
  expect_acknowledged input
}

@test "small commits and large ones by turns are shared evenly" {
  expect_silence stream-create --shards 2 s
  feed pipe
  start stream-put --ack s pipe
  local stored=0
  for _ in 1 2 3 4 5; do
    echo small >&"$FEED"
    wait_until has_lines $((stored += 1)) "$OUTPUT"
    seq 1000 1199 >&"$FEED"
    wait_until has_lines $((stored += 200)) "$OUTPUT"
  done
  exec {FEED}>&-
  expect_exit 0
  cp "$STDOUT" acks
  awk '{ print $1 }' acks | sort | uniq -c >counts
  awk '$1 < 400 { exit 1 }' counts || fail "not even: $(cat counts)"
  expect_equal "$(wc -l <counts)" 2
}

@test "JSON and frames without keys are dealt out too" {
  expect_silence stream-create --shards 4 s
  seq 4000 | sed 's/.*/{"data":"&"}/' >input
  acknowledged input --json
  seq 4000 >plain
  expect_even 4 acks
  expect_acknowledged plain
  expect_equal "$(runs | wc -l)" 4
  expect_silence stream-create --shards 3 copy
  stream-get s --frames | expect_silence stream-put copy --frames
  stream-get copy --format '{shard}\t{data}' >got
  expect_even 3 got
  cut -f 2 got >data
  expect_same data plain
}

@test "records with and without keys in one input" {
  expect_silence stream-create --shards 4 s
  seq 8000 | awk '{ printf "{\"data\":\"%d\"%s}\n", $1, $1 % 2 ? "" : ",\"key\":\"k" $1 % 7 "\"" }' >input
  acknowledged input --json
  awk 'NR % 2' acks >keyless
  expect_even 4 keyless
  stream-get s --format '{key}\t{data}' >got
  awk -F '\t' '$2 <= last[$1] { exit 1 } { last[$1] = $2 } END { exit NR != 8000 }' got
  jq -r .data input | paste acks - | sort >expected
  stream-get s --format '{shard}\t{sequence}\t{data}' | sort >got
  expect_same got expected
}

@test "one shard keeps the order of records with and without keys" {
  expect_silence stream-create s
  seq 1000 | awk '{ printf "{\"data\":\"%d\"%s}\n", $1, $1 % 3 ? "" : ",\"key\":\"k\"" }' >input
  expect_silence stream-put s --json input
  seq 1000 >expected
  expect_records s expected
}

@test "each of several short runs begins with another shard" {
  expect_silence stream-create --shards 4 s
  local n
  for n in 1 2 3 4; do
    echo "$n" | stream-put --ack s
  done >acks
  expect_equal "$(cut -f 1 acks | sort -u | wc -l)" 4
}

# after_reshard FROM TO: the shards are changed while a program waits for the rest of its input. That has 20001 records:
# the runs that were cut for three shards are equal, so two of them are exactly twice as many records as the third.
after_reshard() {
  expect_silence stream-create --shards "$1" s
  seq 20002 >input
  feed pipe
  start stream-put --ack s pipe
  head -n 1 input >&"$FEED"
  wait_until has_lines 1 "$OUTPUT"
  expect_success stream-reshard scale s "$2"
  tail -n +2 input >&"$FEED"
  exec {FEED}>&-
  expect_exit 0
  cp "$STDOUT" acks
  expect_acknowledged input
  tail -n +2 acks >later
}

@test "what waits while one shard becomes four is shared by them" {
  after_reshard 1 4
  expect_even 4 later
}

@test "what waits while three shards become two is shared by them" {
  after_reshard 3 2
  expect_even 2 later
}

@test "a follower has the order of the input" {
  expect_silence stream-create --shards 5 s
  start stream-get s -f -n 30000
  seq 30000 >input
  expect_silence stream-put s <input
  expect_exit 0
  expect_same "$STDOUT" input
}

@test "--producer goes on where it was, whatever the shards" {
  expect_silence stream-create --shards 3 s
  seq 5000 >input
  head -n 2000 input | expect_silence stream-put s --producer p
  expect_success stream-reshard scale s 5
  expect_silence stream-put s --producer p input
  expect_records s input
}

@test "--into deals out what a command prints" {
  expect_silence stream-create s
  expect_silence stream-create --shards 4 t
  seq 4000 >input
  expect_silence stream-put s input
  expect_silence stream-get s -q -c c --batch 4000 --exec cat --into t
  stream-get t --format '{shard}\t{data}' >got
  expect_even 4 got
  cut -f 2 got >data
  expect_same data input
}
