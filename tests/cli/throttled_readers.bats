#!/usr/bin/env bats
# Limits of reading: how stream-get keeps to them without a consumer, and when they change.

load helpers

waiting="stream-get: waiting for capacity: each shard gives 97.7 KiB a second"

@test "a reader keeps to the bytes a second, inside a batch too, and says once with -v what it waits for" {
  filled 250000 --read-bytes 100000
  took expect_status 0 stream-get s -v
  expect_took 1400 # 100,000 at once, 150,000 more in 1.5 s
  expect_same "$STDOUT" input
  expect_equal "$(cat "$STDERR")" "$waiting"
  took expect_success stream-get s -n 900
  [ "$TOOK" -lt 5000 ]
}

@test "readers without a consumer keep to the limits each by itself, and take no lock" {
  filled 150000 --read-bytes 100000
  flock s/lock sleep 30 3>&- &
  BACKGROUND+=($!)
  wait_until is_locked
  start stream-get s
  took expect_success stream-get s
  expect_took 400
  expect_same "$STDOUT" input
  expect_exit 0
  expect_same "$STDOUT" input
}
is_locked() { ! flock --nonblock s/lock true; }

@test "a reader keeps to the calls a second, and a call takes all that its shard has" {
  filled 200000 --read-calls 5
  start stream-get s -f -n 2009
  wait_until has_lines 2000 "$OUTPUT"
  took nine_more
  expect_took 800 # one call took the first records; four more at once, and five in a second
  expect_exit 0
}
nine_more() {
  local i
  for i in 1 2 3 4 5 6 7 8 9; do
    put s "$i"
    wait_until has_lines $((2000 + i)) "$OUTPUT" || return
  done
}

@test "limits change under readers that are running" {
  filled 200000 --read-bytes 1
  start stream-get s
  stream-get s -q -c reader >got 3>&- &
  local reader=$!
  expect_silence stream-create s --update --read-bytes none
  expect_exit 0
  expect_same "$STDOUT" input
  wait "$reader"
  expect_same got input
}
