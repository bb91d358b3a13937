#!/usr/bin/env bats
# stream-get: which records come out, by key, sample and sequence number; what retention took; and when they come.

load helpers

shard_of() {
  stream-stats "$1" --shard-for "$2" | grep -oE 'shardId-[0-9]+'
}

# --- keys ----------------------------------------------------------------------------------------------------------------

# keyed_stream N: 3000 records of 60 keys, some of which begin as others do, and 100 without a key.
keyed_stream() {
  stream-create s --shards "$1"
  seq 3000 | awk '{ print "k" $1 % 60, $1 }' | stream-put s --key-field 1
  seq 100 | stream-put s
}

@test "-k gives the records of that key and no others" {
  local shards key
  for shards in 1 7; do
    remove s
    keyed_stream "$shards"
    stream-get s --json >all
    for key in k1 k10 k59 k0; do
      jq -r --arg key "$key" 'select(.key == $key) | .data' all >expected
      expect_equal "$(wc -l <expected)" 50
      expect_success stream-get s -k "$key"
      expect_same "$STDOUT" expected
      expect_success stream-get s "--key=$key" --json
      expect_equal "$(jq -r .key "$STDOUT" | uniq)" "$key"
    done
    expect_silence stream-get s -k k
    expect_silence stream-get s -k K1
    expect_silence stream-get s -k k100
  done
}

@test "-k twice gives the records of both keys, in their order, from their shards" {
  keyed_stream 8
  stream-get s --json >all
  jq -r 'select(.key == "k7" or .key == "k15") | .data' all >expected
  expect_success stream-get s -k k7 --key k15
  expect_same "$STDOUT" expected
  expect_failure 64 "key.*empty" stream-get s -k k7 -k ''
}

@test "-k takes any key there can be" {
  stream-create s --shards 4
  local key
  for key in 'a b' é🦊 -f $'\n' "'" "$(printf 'x%.0s' $(seq 256))"; do
    put s other
    echo "of this key" | stream-put s "--key=$key"
    expect_success stream-get s "--key=$key"
    expect_stdout "of this key"
  done
  expect_failure 64 "key.*empty" stream-get s -k ''
  expect_failure 64 "key.*256" stream-get s -k "$(printf 'x%.0s' $(seq 257))"
  expect_failure 64 "key.*UTF-8" stream-get s -k $'\xff'
  expect_failure 64 "shard.*key|key.*shard" stream-get s -k a --shard 0
  expect_failure 64 "shard" stream-get s -k a --descendants
}

@test "-k finds a key through splits and merges, in order" {
  stream-create s
  local shards last=0
  for shards in 4 3 7 1 2; do
    seq $((last + 1)) $((last + 200)) | awk '{ print "k" $1 % 10, $1 }' | stream-put s --key-field 1
    last=$((last + 200))
    stream-reshard scale s "$shards"
  done
  seq 1000 | awk '$1 % 10 == 7 { print "k7", $1 }' >expected
  expect_success stream-get s -k k7
  expect_same "$STDOUT" expected
}

@test "-k reads only the shards of the key's lineage" {
  stream-create s --shards 2
  expect_equal "$(shard_of s a)" shardId-000000000000
  expect_equal "$(shard_of s b)" shardId-000000000001
  expect_equal "$(shard_of s c)" shardId-000000000000
  echo of-a | stream-put s -k a
  echo of-b | stream-put s -k b
  echo of-c | stream-put s -k c
  # Into the database with it, and then damage what the other shard holds.
  python3 -c 'import sqlite3; sqlite3.connect("s/stream.db").execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()'
  LC_ALL=C sed -i s/of-b/of-X/ s/stream.db
  expect_status 65 stream-get s
  expect_status 65 stream-get s -k b
  expect_success stream-get s -k a
  expect_stdout of-a
  expect_success stream-get s -k c
  expect_stdout of-c
}

@test "-k with --follow goes on into the shards that take over" {
  stream-create s
  start stream-get s -k k --follow -n 6
  local round
  for round in 1 2 3; do
    printf 'k %s\nother %s\n' "$round" "$round" | stream-put s --key-field 1
    wait_until has_lines "$round" "$OUTPUT"
    stream-reshard scale s $((round + 1))
  done
  printf 'k 4\nk 5\nother\nk 6\nk 7\n' | stream-put s --key-field 1
  expect_exit 0
  expect_empty "$STDERR"
  expect_stdout "$(printf 'k %s\n' 1 2 3 4 5 6)"
}

@test "-n counts the records that are printed" {
  keyed_stream 3
  stream-get s -k k5 >of_key
  local n
  for n in 1 49 50 51; do
    expect_success stream-get s -k k5 -n "$n"
    expect_same "$STDOUT" <(head -n "$n" of_key)
  done
  stream-get s --sample 10 >sampled
  expect_success stream-get s --sample 10 -n 33
  expect_same "$STDOUT" <(head -n 33 sampled)
}

# --- samples -------------------------------------------------------------------------------------------------------------

@test "a sample has its share, spread evenly and in order" {
  stream-create s
  seq 600 | stream-put s
  seq 601 1000 | stream-put s
  local percent
  for percent in 1 10 12.5 50 99 99.9 100; do
    expect_success stream-get s --sample "$percent"
    expect_equal "$(wc -l <"$STDOUT")" "$(python3 -c "print(int(1000 * $percent / 100))")"
    sort -nc "$STDOUT"
  done
  expect_success stream-get s --sample 10%
  # One of every ten.
  expect_equal "$(awk '{ print int(($1 - 1) / 10) }' "$STDOUT" | uniq | wc -l)" 100
  expect_success stream-get s --sample 100
  expect_same "$STDOUT" <(seq 1000)
}

@test "a sample by key keeps whole keys, the same in every run" {
  stream-create s --shards 4
  seq 5000 | awk '{ print "user" $1 % 1000, $1 }' | stream-put s --key-field 1
  expect_success stream-get s --sample 30 --sample-by key --format '{key}'
  sort "$STDOUT" | uniq -c | awk '{ print $1 }' | uniq >counts
  expect_equal "$(sort -u counts)" 5
  local keys
  keys=$(sort -u "$STDOUT" | wc -l)
  # 300 expected, standard deviation 14.5
  [ "$keys" -gt 220 ] && [ "$keys" -lt 380 ] || fail "$keys of 1000 keys"
  sort -u "$STDOUT" >once
  # The same in another stream; and a larger share has all of a smaller one.
  stream-create other
  seq 2000 | awk '{ print "user" $1 % 1000, $1 }' | stream-put other --key-field 1
  expect_same <(stream-get other --sample 30 --sample-by key --format '{key}' | sort -u) once
  expect_equal "$(stream-get s --sample 60 --sample-by key --format '{key}' | sort -u | comm -13 - once)" ""
  # A key alone is taken or not, as in a sample of all.
  expect_equal "$(stream-get s -k "$(head -n 1 once)" --sample 30 --sample-by key | wc -l)" 5
}

@test "a sample by key of records without one is one by record" {
  stream-create s
  seq 1000 | stream-put s
  expect_success stream-get s --sample 25 --sample-by key
  expect_same "$STDOUT" <(stream-get s --sample 25 --sample-by record)
  expect_equal "$(wc -l <"$STDOUT")" 250
}

@test "a sample that is not valid is a usage error" {
  stream-create s
  local bad
  for bad in 0 -1 100.1 x '' 1e1 50%% .5 5.; do
    expect_failure 64 "sample.*percent" stream-get s "--sample=$bad"
  done
  expect_failure 64 "sample-by.*record.*key" stream-get s --sample 5 --sample-by shard
  expect_failure 64 "sample-by.*--sample" stream-get s --sample-by key
}

# --- counts and sequence numbers -----------------------------------------------------------------------------------------

@test "a sequence number needs exactly one shard" {
  stream-create s --shards 2
  put s a
  local position
  for position in at:1 after:1; do
    expect_failure 64 "--from '$position'.*exactly one --shard" stream-get s --from "$position"
    expect_failure 64 "--until '$position'.*exactly one --shard" stream-get s --until "$position"
    expect_failure 64 "exactly one --shard" stream-get s --from "$position" --shard 0 --shard 1
    expect_failure 64 "exactly one --shard" stream-get s --from "$position" -k a
    expect_success stream-get s --from "$position" --shard 1 --shard 1
  done
}

@test "a count or sequence number that is not valid is a usage error that says what would be one" {
  stream-create s
  local bad
  for bad in last last: last:x last:-1 last:+1 last:1.5 'last: 1' last:01x last:9223372036854775808 LAST:1 at at: at:x at:-1 \
    at:01 at:1.0 after: after:x "at:$(printf '9%.0s' $(seq 130))" before:1; do
    expect_failure 64 "--from '[^']*' is not a (position|time)" stream-get s --shard 0 --from "$bad"
    expect_failure 64 "--until '[^']*' is not a (position|time)" stream-get s --shard 0 --until "$bad"
  done
}

@test "last:N is the newest N of the shards that are read" {
  stream-create s --shards 2
  seq 10 | stream-put s
  seq 11 20 | stream-put s
  seq 21 25 | stream-put s
  local n
  for n in 0 1 4 5 6 14 15 16 24 25 26 9223372036854775807; do
    seq 25 | tail -n "$n" >expected
    expect_success stream-get s --from "last:$n"
    expect_same "$STDOUT" expected
    seq 25 | head -n -"$n" >expected
    expect_success stream-get s --until "last:$n"
    expect_same "$STDOUT" expected
  done
  expect_equal "$(stream-get s --from last:12 --until last:3 | tr '\n' ' ')" "$(seq -s ' ' 14 22) "
  expect_equal "$(stream-get s --from last:12 -n 3 -d ' ')" "14 15 16 "
  local shard
  for shard in 0 1; do
    stream-get s --shard "$shard" >of_shard
    [ "$(wc -l <of_shard)" -gt 4 ]
    expect_success stream-get s --shard "$shard" --from last:4
    expect_same "$STDOUT" <(tail -n 4 of_shard)
  done
}

@test "last:N with --follow goes on with records that arrive later" {
  stream-create s
  seq 10 | stream-put s
  start stream-get s --from last:3 --follow -n 5
  wait_until has_lines 3 "$OUTPUT"
  seq 11 13 | stream-put s
  expect_exit 0
  expect_stdout "$(seq 8 12)"
}

@test "at: and after: cut before and after a record" {
  stream-create s
  seq 10 | stream-put s
  seq 11 20 | stream-put s
  local n
  for n in 1 2 9 10 11 12 19 20; do
    expect_success stream-get s --shard 0 --from "at:$n"
    expect_stdout "$(seq "$n" 20)"
    expect_success stream-get s --shard 0 --until "after:$n"
    expect_stdout "$(seq 1 "$n")"
  done
  for n in 1 9 10 11 19; do
    expect_success stream-get s --shard 0 --from "after:$n"
    expect_stdout "$(seq $((n + 1)) 20)"
    expect_success stream-get s --shard 0 --until "at:$((n + 1))"
    expect_stdout "$(seq 1 "$n")"
  done
  expect_silence stream-get s --shard 0 --from after:20
  expect_silence stream-get s --shard 0 --from at:21
  expect_silence stream-get s --shard 0 --from "at:$(printf '9%.0s' $(seq 129))"
  expect_silence stream-get s --shard 0 --until at:1
  expect_success stream-get s --shard 0 --from at:8 --until after:13 --json
  expect_equal "$(jq -r .data "$STDOUT" | tr '\n' ' ')" "8 9 10 11 12 13 "
}

@test "a part of a batch is exact in every form" {
  stream-create s
  seq 100 | sed 's/.*/& é/' | stream-put s --key-field 1
  seq 31 60 | sed 's/.*/& é/' >expected
  local range=(--shard 0 --from at:31 --until after:60)
  expect_success stream-get s "${range[@]}"
  expect_same "$STDOUT" expected
  expect_same <(stream-get s "${range[@]}" --json | jq -r .data) expected
  expect_same <(stream-get s "${range[@]}" -0 | tr '\0' '\n') expected
  expect_same <(stream-get s "${range[@]}" --format '{data}') expected
  expect_same <(stream-get s "${range[@]}" --frames | python3 "$SHARDLOG_SOURCE/tests/cli/read_frames.py" | jq -r .data) expected
  expect_same <(stream-get s "${range[@]}" --frames | python3 "$SHARDLOG_SOURCE/tests/cli/read_frames.py" | jq -r .sequence) <(seq 31 60)
}

# --- what retention took -------------------------------------------------------------------------------------------------

# Three records, of which retention has taken the first two at 12:30.
expiring_stream() {
  need_faketime
  at '2030-01-01 09:00:00' stream-create s --retention 1h
  echo ten | at '2030-01-01 10:00:00' stream-put s
  echo eleven | at '2030-01-01 11:00:00' stream-put s
  echo twelve | at '2030-01-01 12:00:00' stream-put s
}

@test "a gap is reported, and what is there is read" {
  expiring_stream
  expect_success at '2030-01-01 12:30:00' stream-get s
  expect_stdout twelve
  expect_status 1 at '2030-01-01 12:30:00' stream-get s --shard 0 --from at:1
  expect_stdout twelve
  expect_equal "$(cat "$STDERR")" "stream-get: gap: shardId-000000000000 1..2 trimmed"
  expect_status 1 at '2030-01-01 12:30:00' stream-get -q s --shard 0 --from after:1 -n 1
  expect_stdout twelve
  expect_equal "$(cat "$STDERR")" "stream-get: gap: shardId-000000000000 2..2 trimmed"
}

@test "--strict fails where what was asked for is trimmed" {
  expiring_stream
  expect_failure 69 "trimmed" at '2030-01-01 12:30:00' stream-get s --strict --shard 0 --from at:1
  expect_failure 69 "trimmed" at '2030-01-01 12:30:00' stream-get s --strict --shard 0 --from after:1
  expect_failure 69 "trimmed" at '2030-01-01 12:30:00' stream-get s --strict --from 2030-01-01T10:30Z
  local position
  for position in at:3 after:2 last:1 trim-horizon 2030-01-01T11:30Z; do
    expect_success at '2030-01-01 12:30:00' stream-get s --strict --shard 0 --from "$position"
    expect_stdout twelve
  done
}

@test "a gap that opens under a slow reader is reported, and with --strict is the end" {
  need_faketime
  at '2020-01-01 00:00:00' stream-create s
  seq 4000000 | at '2020-01-01 00:00:00' stream-put s  # more than is read ahead
  put s new
  mkfifo plain.pipe strict.pipe
  stream-get s >plain.pipe 2>plain.messages 3>&- &
  local plain=$! plain_status=0
  stream-get s --strict >strict.pipe 2>strict.messages 3>&- &
  local strict=$! strict_status=0
  BACKGROUND+=("$plain" "$strict")
  exec {from_plain}<plain.pipe {from_strict}<strict.pipe
  head -c 1 <&"$from_plain" >plain  # by now they have begun
  head -c 1 <&"$from_strict" >strict
  expect_silence stream-create --update --retention 1d s
  cat <&"$from_plain" >>plain
  cat <&"$from_strict" >>strict
  wait "$plain" || plain_status=$?
  wait "$strict" || strict_status=$?
  expect_equal "$plain_status $strict_status" "1 1"
  local read_before
  read_before=$(($(wc -l <plain) - 1))
  [ "$read_before" -lt 4000000 ]
  expect_same plain <(seq "$read_before"; echo new)
  expect_equal "$(cat plain.messages)" "stream-get: gap: shardId-000000000000 $((read_before + 1))..4000000 trimmed"
  read_before=$(wc -l <strict)
  expect_same strict <(seq "$read_before")
  expect_equal "$(cat strict.messages)" "stream-get: gap: shardId-000000000000 $((read_before + 1))..4000000 trimmed"
}

# --- pace ----------------------------------------------------------------------------------------------------------------

# paced_stream MILLISECONDS...: a record of its number for each, which arrived that long after noon.
paced_stream() {
  need_faketime
  stream-create s
  local n=0 milliseconds
  for milliseconds in "$@"; do
    n=$((n + 1))
    echo "$n" | at "2030-01-01 12:00:$(printf '%02d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000)))" stream-put -q s
  done
}

# Prints a line for each line of a command's output: the milliseconds since the first one.
line_times() {
  python3 -c '
import subprocess, sys, time
program = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
start = None
for line in program.stdout:
    start = start or time.monotonic()
    print(int((time.monotonic() - start) * 1000))
sys.exit(program.wait())' "$@"
}

@test "--replay keeps the pace, divided by the speed" {
  paced_stream 0 0 200 300
  line_times stream-get s --replay 1x >times
  expect_equal "$(wc -l <times)" 4
  awk -v earliest='0 0 190 290' '{ split(earliest, e, " "); if ($1 < e[NR]) { print "record", NR, "after", $1, "ms"; exit 1 } }' times
  line_times stream-get s --replay 0.5x >times
  awk -v earliest='0 0 390 590' '{ split(earliest, e, " "); if ($1 < e[NR]) { print "record", NR, "after", $1, "ms"; exit 1 } }' times
}

@test "--replay of many times the speed takes that much less time" {
  paced_stream 0 20000 40000
  expect_success stream-get s --replay 1000x
  expect_stdout "$(seq 3)"
  expect_success stream-get s --replay 1000 -f -n 3
  expect_stdout "$(seq 3)"
}

@test "--replay goes by the records that are printed" {
  need_faketime
  stream-create s
  echo 'a 1' | at '2030-01-01 12:00:00' stream-put s --key-field 1
  echo 'b 2' | at '2030-01-01 13:00:00' stream-put s --key-field 1
  echo 'b 3' | at '2030-01-01 13:00:01' stream-put s --key-field 1
  expect_success stream-get s -k b --replay 10x
  expect_stdout $'b 2\nb 3'
}

@test "in a wait of --replay the reader has everything before it, and a signal ends the wait" {
  paced_stream 0 59000
  local signal
  for signal in INT TERM; do
    start stream-get s --replay 0.1x
    wait_until has_lines 1 "$OUTPUT"
    expect_end_by "$signal"
    expect_stdout 1
    expect_empty "$STDERR"
  done
}

@test "a speed that is not valid is a usage error" {
  stream-create s
  local bad
  for bad in 0 0x -1x x '' 10xx '1 x' 1X .5x; do
    expect_failure 64 "replay.*speed" stream-get s "--replay=$bad"
  done
}
