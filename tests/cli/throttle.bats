#!/usr/bin/env bats
# stream-create --limits, and what stream-put does when a stream's limits leave no capacity.

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

# took COMMAND...: the milliseconds that it runs, in $TOOK.
took() {
  local start=${EPOCHREALTIME/./}
  "$@" || return
  TOOK=$(((${EPOCHREALTIME/./} - start) / 1000))
}

expect_took() {
  [ "$TOOK" -ge "$1" ] || fail "it took only $TOOK ms"
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
  seq 1 1000 >one
  seq 1001 2000 >two
  expect_silence stream-put s --hash-key 1 <<<warm
  start stream-put s one
  took expect_silence stream-put s two
  expect_exit 0
  expect_empty "$STDERR"
  stream-get s >all
  [ "$(wc -l <all)" -eq 2001 ]
  # Once the burst is spent, and until one of them is done, each gets its part.
  local count
  count=$(sed -n 601,1200p all | grep -cxFf one)
  [ "$count" -ge 180 ] && [ "$count" -le 420 ] || fail "one writer has $count of 600"
  expect_rate s 400
}

@test "an acknowledgement names each record, whatever rows it is stored in" {
  new_stream --shards 2 --write-records 300
  python3 -c 'for i in range(700): print(f"{i % 7},{i}")' >input
  expect_success stream-put s --key-field 1 -F, --ack input
  cp "$STDOUT" acks
  stream-get s --format '{shard}\t{sequence}\t{data}' | sort >stored
  paste acks input | sort >acknowledged
  expect_same acknowledged stored
}

@test "-v says what is waited for" {
  new_stream --write-records 100
  seq 150 | expect_status 0 stream-put s -v
  grep -qx 'stream-put: waiting for capacity: each shard takes 100 records a second' "$STDERR" || fail "$(cat "$STDERR")"
}

@test "what is written waits in the pipe, and memory stays small" {
  new_stream --write-records 1000
  local policy
  for policy in block drop; do
    start stream-put s --on-throttle "$policy" <(yes "a line of some length" 2>/dev/null 3>&-)
    stored_more_than() { [ "$(stream-stats --json s | python3 -c 'import json, sys; print(json.load(sys.stdin)["records"])')" -gt "$1" ]; }
    wait_until stored_more_than $((policy == block ? 1500 : 2500))
    python3 - "$PID" <<'PYTHON'
import sys
status = dict(line.split(":", 1) for line in open(f"/proc/{sys.argv[1]}/status"))
peak = int(status["VmHWM"].split()[0])
assert peak < 100 * 1024, status["VmHWM"]
PYTHON
    kill -KILL "$PID"
    wait_until is_gone "$PID"
  done
}

@test "drop: what is stored and what is dropped is what was sent" {
  new_stream --write-records 200
  seq 100000 | expect_status 1 stream-put s --on-throttle drop
  expect_stderr_line '^stream-put: ([0-9,]+) records dropped, each shard takes 200 records a second; ([0-9]+) records committed'
  local dropped=${BASH_REMATCH[1]//,/} committed=${BASH_REMATCH[2]}
  [ $((dropped + committed)) -eq 100000 ] || fail "$dropped dropped, $committed committed"
  [ "$(stream-get s | wc -l)" -eq "$committed" ]
  [ "$committed" -ge 200 ]
}

@test "drop: acknowledgements are in the order of the input, and a producer moves past what was dropped" {
  new_stream --write-records 100
  seq 1000 >input
  expect_status 1 stream-put s --on-throttle drop --producer may --ack input
  paste "$STDOUT" input >acks
  [ "$(wc -l <acks)" -eq 1000 ]
  grep -v '^-' acks | cut -f 3 >stored
  expect_records s stored
  grep '^-' acks | cut -f 2 | sort -u >reasons
  echo 'dropped: each shard takes 100 records a second' >expected
  expect_same reasons expected
  expect_silence stream-put s --producer may input
  expect_records s stored
}

@test "fail: stores what there is capacity for, says how much, and exits with 75" {
  new_stream --write-records 100
  seq 1000 >input
  expect_failure 75 '^stream-put: append: each shard takes 100 records a second; ([0-9]+) records committed, the last is ' \
    stream-put s --on-throttle fail input
  local committed=${BASH_REMATCH[1]}
  [ "$committed" -ge 100 ] || fail "$committed of what a second earns"
  head -n "$committed" input >expected
  expect_records s expected
}

@test "fail: the same producer goes on later, and whoever stays below the limit never fails" {
  new_stream --write-records 100
  seq 150 >input
  expect_status 75 stream-put s --on-throttle fail --producer may input
  for ((tries = 0; tries < 20; ++tries)); do
    stream-put s --on-throttle fail --producer may input 2>"$STDERR" && break
    pause 0.3
  done
  expect_records s input
}

@test "sample: only what is read while throttled is thinned out" {
  new_stream --write-records 1000
  seq 500 >few
  expect_silence stream-put s --on-throttle sample --sample 10 few
  expect_records s few
  seq 60000 | expect_status 1 stream-put s --on-throttle sample --sample 1
  expect_stderr_line '^stream-put: ([0-9,]+) records dropped, .*; ([0-9]+) records committed'
  local dropped=${BASH_REMATCH[1]//,/} committed=${BASH_REMATCH[2]}
  [ $((dropped + committed)) -eq 60000 ] || fail "$dropped dropped, $committed committed"
  [ "$(stream-get s | wc -l)" -eq $((committed + 500)) ]
}

@test "a signal: what was read is stored at the stream's pace" {
  new_stream --write-records 200
  feed in
  start stream-put s in
  seq 600 >&"$FEED"
  has_some() { [ -n "$(stream-get s -n 1)" ]; }
  wait_until has_some
  kill -TERM "$PID"
  expect_exit 143
  expect_stderr_line "storing what was read, as fast as the limits of the stream allow; a second signal gives it up"
  seq 600 >expected
  expect_records s expected
}

@test "--into and the library's writer keep to the limits of the target" {
  new_stream
  expect_silence stream-create t --write-records 300
  seq 900 | expect_silence stream-put s
  took expect_status 0 stream-get s -c copy --exec cat --into t --batch 100
  expect_took 1900
  seq 900 >expected
  expect_records t expected
  expect_rate t 300
}

@test "limits are shown, changed, and taken away" {
  new_stream --limits kinesis --write-records 10
  stream-stats --json s | python3 -c '
import json, sys
assert json.load(sys.stdin)["limits"] == {"write_records": 10, "write_bytes": 1048576, "read_bytes": 2097152, "read_calls": 5}'
  stream-stats s >page
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
  ! stream-stats s | grep -q '^limits'
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
