#!/usr/bin/env bats
# What stream-put does when a stream's limits leave no capacity: --on-throttle, -v, signals.

load helpers

# new_stream OPTION...: s
new_stream() {
  expect_silence stream-create s "$@"
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
