#!/usr/bin/env bats
# Limits of reading: how stream-get keeps to them, alone and as a consumer.

load helpers

# filled BYTES OPTION...: a stream s with so many bytes, in records of 100 bytes, and the same in `input`.
filled() {
  seq -f '%0100g' $(($1 / 100)) >input
  expect_silence stream-create s "${@:2}"
  expect_silence stream-put s input
}

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
