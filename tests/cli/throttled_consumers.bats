#!/usr/bin/env bats
# Limits of reading: how consumers share them.

load helpers

@test "consumers share what there is, and each gets all records" {
  filled 200000 --read-bytes 100000
  took both
  expect_took 2700 # 400,000 in all, 100,000 of them at once
  expect_same one input
  expect_same two input
  expect_success stream-stats s --verify
}
both() {
  stream-get s -q -c one >one 3>&- &
  local one=$!
  stream-get s -q -c two >two || return
  wait "$one"
}

@test "what a consumer owes when it ends is waited for" {
  expect_silence stream-create s --read-bytes 100000
  python3 -c 'for c in "abc": print(c * 150000)' >input
  expect_silence stream-put s input
  expect_status 0 stream-get s -c reader -n 1
  took expect_success stream-get s -c reader -n 1
  expect_took 400
}

@test "workers, commands, --into, dead letters and --follow wait for capacity" {
  filled 200000 --read-bytes 100000
  expect_silence stream-create copy
  took expect_status 0 stream-get s -q -c copier --workers 2 --follow --idle-exit 1ms --exec cat --into copy
  expect_took 900
  expect_records copy input
  seq -f '%02000g' 100 >large
  expect_silence stream-create failing --read-bytes 100000
  expect_silence stream-put failing large
  expect_silence stream-create dead
  took expect_status 1 stream-get failing -q -c c --exec false --retries 0 --on-failure dead-letter:dead
  expect_took 900
  stream-get dead | jq -r .data | cmp - large
  expect_silence stream-create s --update --read-bytes 400000
  expect_success stream-get s --poll 50ms -f --idle-exit 1ms
  expect_same "$STDOUT" input
}

@test "a signal ends the wait for capacity at once, and the checkpoint is where it stopped" {
  filled 200000 --read-bytes 2000
  start stream-get s -v
  wait_until grep -q waiting "$MESSAGES"
  took kill_it
  [ "$TOOK" -lt 3000 ]
  start stream-get s -q -v -c reader --lease-duration 300ms
  wait_until grep -q waiting "$MESSAGES"
  took kill_it
  [ "$TOOK" -lt 3000 ]
  local taken
  taken=$(wc -l <"$STDOUT")
  expect_silence stream-create s --update --limits none
  expect_success stream-get s -c reader
  expect_same "$STDOUT" <(tail -n +$((taken + 1)) input)
}
kill_it() {
  kill -TERM "$PID"
  expect_exit 143
}
