#!/usr/bin/env bats
# stream-stats: how much comes in, and how many shards that needs.

load helpers

# put_frames STREAM LINE...: in one commit, what write_frames.py makes of the lines. MD5 puts key a into the first half of the
# key space and key b into the second.
put_frames() {
  local stream=$1
  shift
  printf '%s\n' "$@" | python3 "$SHARDLOG_SOURCE/tests/cli/write_frames.py" \
    | expect_silence stream-put "$stream" --frames --keep-times
}

# A stream of two shards with records of 10 bytes, key included: 20 minutes old, 5 minutes old, and new.
make_loaded() {
  stream-create s --shards 2
  put_frames s '1200 5000 nine_data a'
  put_frames s '300 1500 nine_data a' '300 900 nine_data b'
  put_frames s '0 300 nine_data a'
}

# Lines with one blank between their words.
squeezed() {
  sed -E 's/^ +//; s/ +/ /g' "$1"
}

# Over the last minute: 300 records, 3,000 bytes and an append, all in shard 0.
# Over the last 15: 1,500 + 300 and 900 records, so 2 and 1 a second; two appends and one.
@test "what comes in a second, over a minute and over 15, in the stream and in each shard" {
  make_loaded
  expect_equal "$(figures s '.in.last_minute | [.records_per_second, .bytes_per_second, .appends_per_second]')" '[5,50,0.017]'
  expect_equal "$(figures s '.in.last_15_minutes | [.records_per_second, .bytes_per_second, .appends_per_second]')" '[3,30,0.003]'
  expect_equal "$(figures s '[.shards[].in | .last_minute, .last_15_minutes | .records_per_second, .bytes_per_second]')" \
    '[5,50,2,20,0,0,1,10]'
  expect_equal "$(figures s '[.shards[].in | .last_minute, .last_15_minutes | .appends_per_second]')" '[0.017,0.002,0,0.001]'
  expect_success stream-stats s
  squeezed "$STDOUT" >page
  grep -qx 'records/s bytes/s calls/s last hour peak' page
  # 83 a second 20 minutes ago and 40 a second 5 minutes ago; two minutes share a block.
  grep -qE '^in 5.0 50 B <0.1 .*▄.*▂.* 83$' page
  grep -qE '^shard keys in/s records ' page
  grep -qE '^0 50% 5.0 6,800 ' page
  grep -qE '^1 50% 0 900 ' page
  expect_success stream-stats
  squeezed "$STDOUT" >page
  grep -qE '^stream shards records bytes in/s last hour worst age$' page
  grep -qE '^s 2 7,700 75.2 KiB 5.0 ' page
}

@test "a page says that nothing came in, and what retention hides" {
  stream-create s
  expect_success stream-stats s
  grep -qx 'in           nothing put in the last hour' "$STDOUT"
  expect_equal "$(figures s '[.in.last_minute.records_per_second, .in.last_15_minutes.records_per_second]')" '[0,0]'
  put_frames s '600 9 data key'
  put_frames s '0 120 data key'
  expect_silence stream-create s --update --retention 5m
  expect_equal "$(figures s '[.in.last_minute.records_per_second, .in.last_15_minutes, .shards[0].in.last_15_minutes]')" '[2,null,null]'
  # Of the minutes that are still known.
  expect_equal "$(stream-stats s --sizing --json | jq .load.records_per_second)" 2
}

# 61 of 100 records of a minute at 100 a minute: 1.7 a second.
@test "a key that has most of a busy shard is named" {
  stream-create s
  put_frames s '30 20 data cold1' '30 61 data "hot"' '30 19 data cold2'
  expect_equal "$(figures s '.shards[0].hot_key')" null
  expect_silence stream-create s --update --write-records 2
  expect_success stream-stats s
  grep -qF "hot: key '\"hot\"' has 61%" "$STDOUT"
  expect_equal "$(figures s '.shards[0] | [.utilisation.records, .hot_key.key, .hot_key.share]')" '[83.333,"\"hot\"",0.61]'
  stream-stats s --html | grep -qF "hot: key '&quot;hot&quot;' has 61%"
  expect_silence stream-create s --update --write-records 3
  expect_equal "$(figures s '.shards[0] | [.utilisation.records, .hot_key]')" '[55.556,null]'
  ! stream-stats s | grep hot
}

@test "records that are damaged name no hot key, and are no reason to show nothing" {
  stream-create s
  put_frames s '30 100 data hot'
  expect_silence stream-create s --update --write-records 2
  expect_equal "$(figures s '.shards[0].hot_key.key')" '"hot"'
  sqlite3 s/stream.db 'UPDATE batches SET payload = zeroblob(length(payload))'
  expect_equal "$(figures s '.shards[0] | [.utilisation.records, .hot_key]')" '[83.333,null]'
  expect_failure 65 'not a record batch' stream-get s
}

# needs STREAM LOAD: shards for records, bytes and consumers, for all of them, for all if records are packed; machines.
needs() {
  stream-stats "$1" --json --sizing --for "$2" \
    | jq -c '[(.kinesis | .for_records, .for_bytes, .for_consumers, .shards, .shards_if_packed), .machines]'
}

# Kinesis: records / 1,000; MiB; MiB read / 2. Machines at 70 % of 2.5 million records or 350 MiB.
@test "--sizing --for: how many shards and machines a load needs" {
  stream-create s
  expect_equal "$(needs s 5000/s,2MiB/s)" '[5,2,1,5,2,1]'
  expect_equal "$(needs s '2.5MiB/s, 10/s, 4 consumers')" '[1,3,5,5,5,1]'
  expect_equal "$(needs s '12000000/s,5GiB/s,4consumers')" '[12000,5120,10240,12000,10240,21]'
  expect_success stream-stats s --sizing --for '12000000/s,5GiB/s,4 consumers'
  squeezed "$STDOUT" >page
  grep -qx 'load 12,000,000 records/s, 5.0 GiB/s, read by 4 consumers' page
  grep -qx 'records written 1,000/s 12,000' page
  grep -qx 'bytes written 1.0 MiB/s 5,120' page
  grep -qx '4 times bytes read 2.0 MiB/s 10,240' page
  tr '\n' ' ' <page | grep -q 'needs 12,000 shards, more than the 10,000 of a stream: spread the keys over 2 streams; 10,240 if '
  grep -q '^machines 21, each used to 70% of 2,500,000 records/s and 350 MiB/s' page
  expect_equal "$(grep -E '^.{81}' "$STDOUT")" ''
}

@test "--sizing: for what was seen, with the stream's own mean size and consumers" {
  make_loaded
  # The busiest minute is that of 5 minutes ago: 2,400 records.
  expect_equal "$(stream-stats s --sizing --json | jq -c '.load | [.given, .records_per_second, .bytes_per_second, .consumers]')" \
    '[false,40,400,1]'
  expect_success stream-stats s --sizing
  squeezed "$STDOUT" | head -n 2 | tr '\n' ' ' \
    | grep -qx 'load 40 records/s, 400 B/s, read by 1 consumer (the busiest minute of the last 15) '
  grep -qx 'shards     2 open' "$STDOUT"
  grep -qx 'needs      1 shard' "$STDOUT"
  # 300,000 records of 10 bytes are 2.86 MiB, and 2 MiB are 209,715.2 records.
  expect_equal "$(needs s 300000/s)" '[300,3,2,300,3,1]'
  expect_equal "$(needs s 2MiB/s)" '[210,2,1,210,2,1]'
  for name in one two three; do expect_status 0 stream-get s -q -c $name --new --seek trim-horizon; done
  expect_equal "$(needs s 300000/s)" '[300,3,5,300,5,1]'
}

@test "--sizing tells what would work" {
  stream-create s
  expect_failure 64 'nothing was put in the last 15 minutes: .*--for 5000/s,2MiB/s' stream-stats s --sizing
  expect_failure 64 'holds no records .*5000/s,2MiB/s' stream-stats s --sizing --for 5000/s
  expect_failure 64 "--for '5k/s' is not a load: 5000/s is records, 2MiB/s is bytes" stream-stats s --sizing --for 5k/s
  expect_failure 64 '--for.*needs --sizing|--sizing' stream-stats s --for 5000/s,2MiB/s
  expect_failure 64 'which stream' stream-stats --sizing --for 5000/s,2MiB/s
  expect_failure 64 'does not go with' stream-stats s --sizing --consumers
  put s ''
  expect_failure 64 'all records of the stream are empty' stream-stats s --sizing --for 2MiB/s
}
