#!/usr/bin/env bats
# stream-create --limits: how all writers of a stream keep to them together.

load helpers

# new_stream OPTION...: s
new_stream() {
  expect_silence stream-create s "$@"
}

# expect_rate STREAM LIMIT [SHARD]: no second and no longer time brought more than a burst and what was earned; a slow
# machine may store less.
expect_rate() {
  stream-get --json "$1" ${3:+--shard "$3"} | python3 -c '
import datetime, json, sys
limit = int(sys.argv[1])
times = sorted(datetime.datetime.fromisoformat(json.loads(line)["arrived"].replace("Z", "+00:00")).timestamp()
               for line in sys.stdin)
assert len(times) > limit, len(times)
for i, start in enumerate(times):
    for seconds in (0.5, 1, 2, 4):
        count = sum(start <= t < start + seconds for t in times[i:])
        assert count <= limit * (1 + seconds) + limit * 0.15, (i, seconds, count)
    if i > 3 * limit: break
' "$2"
}

@test "records a second are kept to, in order, and rows stay large" {
  new_stream --write-records 500
  seq 1500 >input
  took expect_silence stream-put s input
  expect_took 1900  # 500 at once, 1000 more in 2 s
  [ "$TOOK" -lt 10000 ] || fail "it took $TOOK ms"
  expect_records s input
  expect_rate s 500
  # A hundred ms' worth each, but for the burst and the last.
  [ "$(stream-get --format '{time}' s | sort -u | wc -l)" -le 30 ]
}

@test "records without keys go to all shards, and come back in order" {
  new_stream --shards 4 --write-records 500
  seq 5000 >input
  took expect_silence stream-put s input
  expect_took 1300  # 2000 at once, 3000 more in 1.5 s
  expect_records s input
  stream-stats --json s | python3 -c '
import json, sys
records = [shard["records"] for shard in json.load(sys.stdin)["shards"]]
assert max(records) <= 1400, records'
  for shard in 0 3; do expect_rate s 500 "$shard"; done
}

@test "keyed records keep the order of their keys, and each shard its limit" {
  new_stream --shards 2 --write-records 300
  python3 -c 'for i in range(1500): print(f"k{i % 20} {i}")' >input
  expect_silence stream-put s --key-field 1 input
  for key in k0 k7 k19; do
    grep "^$key " input >expected
    expect_success stream-get s --key "$key"
    expect_same "$STDOUT" expected
  done
  for shard in 0 1; do expect_rate s 300 "$shard"; done
}

@test "bytes a second are kept to, and a record of several seconds' worth gets through" {
  new_stream --write-bytes 20000
  python3 -c 'print("x" * 50000); print("y"); print("z" * 9999)' >input
  took expect_silence stream-put s input
  expect_took 1900  # 60,000 bytes, 20,000 of them at once
  expect_records s input
}

@test "two writers share what there is" {
  new_stream --write-records 400
  seq 1 600 >one
  seq 601 1200 >two
  seq -f 'burst %.0f' 400 | expect_silence stream-put s
  start stream-put s one
  took expect_silence stream-put s two
  expect_exit 0
  expect_empty "$STDERR"
  stream-get s >all
  [ "$(wc -l <all)" -eq 1600 ]
  # As soon as both have begun, and until one of them is done, each gets its part.
  grep -v burst all | awk '
    { writer = $1 > 600; if (!(writer in first)) first[writer] = NR; last[writer] = NR; of[NR] = writer }
    END {
      begin = first[0] > first[1] ? first[0] : first[1]
      end = last[0] < last[1] ? last[0] : last[1]
      for (i = begin; i <= end; i++) seconds += of[i]
      exit !(end - begin > 200 && seconds > 0.3 * (end - begin) && seconds < 0.7 * (end - begin))
    }' || fail "$(grep -v burst all | awk '{ printf "%s", $1 > 600 ? 2 : 1 }')"
  expect_rate s 400
}

@test "--into and the library's writer keep to the limits of the target" {
  new_stream
  expect_silence stream-create t --write-records 300
  seq 600 | expect_silence stream-put s
  took expect_status 0 stream-get s -c copy --exec cat --into t --batch 100
  expect_took 900
  seq 600 >expected
  expect_records t expected
  expect_rate t 300
}

@test "limits are shown, changed, and taken away" {
  new_stream --limits kinesis --write-records 10
  stream-stats --json s | python3 -c '
import json, sys
assert json.load(sys.stdin)["limits"] == {"write_records": 10, "write_bytes": 1048576, "read_bytes": 2097152, "read_calls": 5}'
  stream-stats s -v >page
  grep -qx 'limits     each shard 10 records and 1.0 MiB/s in' page || fail "$(cat page)"
  grep -qx '           each shard 2.0 MiB and 5 reads/s out' page || fail "$(cat page)"
  expect_silence stream-create s --update --read-calls none --write-bytes 2MiB
  stream-stats --json s | python3 -c '
import json, sys
assert json.load(sys.stdin)["limits"] == {"write_records": 10, "write_bytes": 2097152, "read_bytes": 2097152, "read_calls": None}'
  expect_status 0 stream-create s --if-missing --limits kinesis
  grep -q 'its --write-records is not as asked' "$STDERR"
  expect_silence stream-create s --update --limits none
  seq 5000 >input
  took expect_silence stream-put s input
  [ "$TOOK" -lt 5000 ]
  ! stream-stats s -v | grep -q '^limits'
}

@test "limits change under a writer that is running" {
  new_stream --write-records 10
  feed in
  start stream-put s in
  seq 2000 >&"$FEED"
  has_ten() { [ "$(stream-get s | wc -l)" -ge 10 ]; }
  wait_until has_ten
  expect_silence stream-create s --update --limits none
  exec {FEED}>&-
  expect_exit 0
  seq 2000 >expected
  expect_records s expected
}

@test "limits that are not valid are refused with what works" {
  local bad
  for bad in 0 -1 x 1.5 ''; do
    expect_failure 64 "--write-records '$bad' is not a number from 1 on, or none" stream-create t "--write-records=$bad"
  done
  expect_failure 64 "would take more than a minute; give at least 17477, or a smaller maximum record size" \
    stream-create t --write-bytes 1000
  expect_silence stream-create t --write-bytes 1000 --max-record-size 10kB
  expect_failure 64 "--limits 'x' is neither none nor kinesis" stream-create t --limits x
  expect_failure 64 "--on-throttle sample: it needs --sample" stream-put t --on-throttle sample
  expect_failure 64 "--on-throttle" stream-put t --on-throttle x
}
