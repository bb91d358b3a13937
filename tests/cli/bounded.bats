#!/usr/bin/env bats
# A bounded buffer: --max-bytes with each --when-full, and --retention consumed.

load helpers

bound=65536

# bounded STREAM OPTION...: 64 KiB, and records of up to 1 KiB. 655 lines of `input` fill it.
bounded() {
  stream-create --max-bytes 64KiB --max-record-size 1KiB "$@" 2>/dev/null
}

# input N: a file of N records with 100 bytes each, and a newline.
input() {
  seq -f '%0100g' "$1" >input
}

# figures STREAM FILTER: what jq makes of the page.
figures() {
  stream-stats --json "$1" | jq -c "$2"
}

# holds_at_least STREAM BYTES
holds_at_least() {
  [ "$(figures "$1" .bytes)" -ge "$2" ]
}

is_within_bound() {
  [ "$(figures "$1" .bytes)" -le "$bound" ] || fail "$1 holds $(figures "$1" .bytes) bytes"
}

# --- trim --------------------------------------------------------------------------------------------------------------------

@test "trim keeps the newest records within the bound, and a reader is told of the others" {
  bounded s --when-full trim
  input 3000
  expect_silence stream-put s input
  is_within_bound s
  holds_at_least s $((bound / 2))
  expect_success stream-stats s --verify
  expect_status 1 stream-get s --shard 0 --from at:1
  local kept
  kept=$(grep -c . "$STDOUT")
  tail -n "$kept" input >expected
  expect_same "$STDOUT" expected
  expect_stderr_line "gap: shardId-000000000000 1\.\.$((3000 - kept)) "
}

@test "trim tells a slow consumer of its gap, and it goes on after that" {
  bounded s --when-full trim
  put s first
  expect_status 0 stream-get s -c slow
  input 2000
  expect_silence stream-put s input
  expect_status 1 stream-get s -c slow
  expect_stderr_line 'gap: shardId-000000000000 2\.\.'
  expect_equal "$(tail -n 1 "$STDOUT")" "$(tail -n 1 input)"
  put s more
  expect_success stream-get s -c slow
  expect_stdout more
}

@test "trim makes room over all shards, the oldest batches first" {
  bounded s --when-full trim --shards 4
  input 3000
  expect_silence stream-put s -k a input
  is_within_bound s
  put s one
  is_within_bound s
  expect_equal "$(stream-get s | tail -n 1)" one
}

# --- reject ------------------------------------------------------------------------------------------------------------------

@test "reject stores what fits and exits with 75; the same producer goes on later, exactly once" {
  bounded s --when-full reject
  input 1500
  local status=75 rounds=0
  until [ "$status" -eq 0 ]; do
    status=0
    stream-put s input --producer p 2>"$STDERR" || status=$?
    is_within_bound s
    if [ "$status" -ne 0 ]; then
      expect_equal "$status" 75
      expect_stderr_line 'full; [0-9]+ records committed'
    fi
    stream-get s -c reader 2>/dev/null >>got
    [ $((++rounds)) -lt 10 ] || fail "it never ends"
  done
  expect_same got input
  [ "$rounds" -ge 3 ]
}

@test "reject makes room by retention too" {
  bounded s --when-full reject --retention 1h
  input 1000
  expect_status 75 stream-put s input
  expect_silence stream-create --update --retention 1us s
  put s more
}

# --- block -------------------------------------------------------------------------------------------------------------------

@test "block waits for the slowest consumer and names it once; nothing is lost" {
  bounded s
  expect_status 0 stream-get s -c slow
  put s first
  expect_status 0 stream-get s -c fast
  input 3000
  start stream-put s input
  wait_until grep -q . "$MESSAGES"
  holds_at_least s $((bound / 2))
  expect_success stream-get s -c fast
  cp "$STDOUT" got.fast
  is_within_bound s
  ! is_gone "$PID" || fail "it did not wait for the slow one"
  stream-get s -c fast --follow --idle-exit 300ms >>got.fast 3>&- &
  BACKGROUND+=($!)
  stream-get s -c slow --follow >got.slow 2>/dev/null 3>&- &
  BACKGROUND+=($!)
  expect_exit 0
  expect_empty "$STDOUT"
  expect_stderr_line 'the stream is full, with 6[0-9.]+ KiB of 64.0 KiB: waiting for consumer .slow., which is [0-9]+ records behind, .*stream-get s -c slow --forget'
  wait_until has_lines 3001 got.slow
  expect_same got.slow <(echo first; cat input)
  is_within_bound s
}

@test "a blocked writer goes on when the consumer that nobody runs is forgotten" {
  bounded s
  expect_status 0 stream-get s -c gone
  expect_status 0 stream-get s -c reader
  input 1000
  start stream-put s input
  wait_until grep -q "consumer 'gone'" "$MESSAGES"
  expect_success stream-get s -c reader
  cp "$STDOUT" got
  expect_silence stream-get s -c gone --forget
  expect_exit 0
  expect_success stream-get s -c reader
  cat "$STDOUT" >>got
  expect_same got input
}

@test "a blocked writer that gets a signal says how much it has stored, and that this is not all" {
  bounded s
  input 1000
  start stream-put s input
  wait_until grep -q 'no consumer makes room: stream-get s -c NAME' "$MESSAGES"
  kill -TERM "$PID"
  expect_exit 75
  expect_equal "$(grep -oE '[0-9]+ records committed' "$STDERR")" "$(figures s .records) records committed"
}

@test "what is in a child shard does not go before its consumer has read the parents" {
  bounded s
  expect_status 0 stream-get s -c reader
  put s parent
  expect_silence stream-reshard split s 0
  input 1000
  start stream-put s input
  wait_until grep -q "consumer 'reader'" "$MESSAGES"
  is_within_bound s
  stream-get s -c reader --follow >got 2>/dev/null 3>&- &
  BACKGROUND+=($!)
  expect_exit 0
  wait_until has_lines 1001 got
  sort got >got.sorted
  (echo parent; cat input) | sort >expected
  expect_same got.sorted expected
}

@test "--into waits for room in its target, keeps its lease, and stores all of it" {
  expect_silence stream-create source
  input 2000
  expect_silence stream-put source input
  bounded target
  expect_status 0 stream-get target -c reader
  start stream-get source -c copier --lease-duration 300ms --batch 100 --exec cat --into target
  wait_until grep -q "target.* full\|stream is full" "$MESSAGES"
  stream-get target -c reader --follow >got 2>/dev/null 3>&- &
  BACKGROUND+=($!)
  expect_exit 0
  wait_until has_lines 2000 got
  expect_same got input
  is_within_bound target
}

@test "output that is larger than the target may ever hold is a failure of its batch, which is halved" {
  expect_silence stream-create source
  input 1000
  expect_silence stream-put source input
  bounded target --when-full trim
  expect_status 0 stream-get source -c copier --batch 1000 --retries 0 --exec cat --into target
  is_within_bound target
  expect_equal "$(stream-get target | tail -n 1)" "$(tail -n 1 input)"
}

# --- settings ----------------------------------------------------------------------------------------------------------------

@test "the page and --json show the bound" {
  bounded s --when-full reject
  put s "$(head -n 1 <(seq -f '%0100g' 1))"
  expect_equal "$(figures s '[.bytes, .max_bytes, .when_full]')" '[100,65536,"reject"]'
  expect_success stream-stats s
  grep -qx 'bound      100 B of 64.0 KiB, 0 %; when it is full, writers fail' "$STDOUT"
  expect_silence stream-create --update --max-bytes none s
  expect_equal "$(figures s '[.max_bytes, .when_full]')" '[null,null]'
}

@test "a smaller bound takes effect at once where records may go, and elsewhere when they do" {
  bounded s --when-full trim
  input 600
  expect_silence stream-put s input
  expect_silence stream-create --update --max-bytes 32KiB s
  [ "$(figures s .bytes)" -le 32768 ]
  expect_silence stream-create --update --when-full reject --max-bytes 8KiB s
  [ "$(figures s .bytes)" -gt 8192 ]
  echo more | expect_failure 75 'holds [0-9]+ bytes of at most 8192: it is full' stream-put s
}

@test "a bound that cannot work is refused, and says what would" {
  expect_failure 64 '65536 bytes: that is less than the largest record, 1048576 bytes' stream-create --max-bytes 64KiB s
  expect_failure 64 'max-bytes' stream-create --when-full trim s
  expect_failure 64 'max-bytes' stream-create --max-bytes most s
  expect_failure 64 'when-full' stream-create --max-bytes 64MiB --when-full burst s
  [ ! -e s ]
  expect_silence stream-create s
  expect_failure 64 'max-bytes' stream-create --update --when-full trim s
  expect_failure 64 'less than the largest record' stream-create --update --max-bytes 64KiB s
  bounded b
  expect_failure 64 'less than the largest record' stream-create --update --max-record-size 1MiB b
}

@test "a stream that can block for ever is warned of" {
  expect_status 0 stream-create --max-bytes 2MiB s
  expect_stderr_line "stream 's' has no consumer and no retention: once it holds 2.0 MiB, writers wait until a consumer"
  expect_silence stream-create --max-bytes 2MiB --retention 1h a
  expect_silence stream-create --max-bytes 2MiB --when-full trim b
  expect_status 0 stream-create --update --when-full block b
  expect_stderr_line "writers wait"
  expect_status 0 stream-get s -c reader
  expect_silence stream-create --update --max-bytes 3MiB s
}

@test "a bounded stream cannot be read into itself" {
  bounded s
  expect_failure 64 "is the stream that is read" stream-get s -c c --exec cat --into s
  expect_failure 64 "is the stream that is read" stream-get s -c c --exec cat --on-failure dead-letter:s
}

# --- retention consumed ------------------------------------------------------------------------------------------------------

# is_trimmed STREAM N: so many records were trimmed; a writer that puts an empty record looks for more.
is_trimmed() {
  echo | stream-put "$1"
  [ "$(figures "$1" .shards[0].trimmed_records)" -ge "$2" ]
}

@test "with --retention consumed, what every consumer has passed goes, and nothing else" {
  expect_silence stream-create s --retention consumed
  expect_success stream-stats s
  grep -q ', kept until consumed, zstd' "$STDOUT"
  input 100
  expect_silence stream-put s input
  expect_silence stream-create --update s
  expect_equal "$(figures s '[.records, .until_consumed, .retention_seconds]')" '[100,true,null]'
  expect_status 0 stream-get s -c a
  expect_status 0 stream-get s -c b -n 40
  expect_silence stream-create --update s
  expect_equal "$(figures s .records)" 100 # they are one batch, and b needs some of it
  expect_success stream-get s -c b
  wait_until is_trimmed s 100
  expect_status 0 stream-get s -c b
  expect_equal "$(sort -u "$STDOUT")" ""
}

@test "with --retention consumed,DURATION, a record goes after that time, whoever needs it" {
  expect_silence stream-create s --retention consumed,36h
  expect_equal "$(figures s '[.until_consumed, .retention_seconds]')" '[true,129600]'
  expect_success stream-stats s
  grep -q ', kept until consumed, at most 1d 12h, zstd' "$STDOUT"
  put s a
  expect_status 0 stream-get s -c c
  put s b
  expect_silence stream-create --update --retention consumed,1us s
  expect_equal "$(figures s .records)" 0
  expect_status 1 stream-get s -c c
  expect_stderr_line 'gap: shardId-000000000000 2\.\.2 '
  expect_silence stream-create --update --retention forever s
  expect_equal "$(figures s '[.until_consumed, .retention_seconds]')" '[false,null]'
  local text
  for text in consumed, consumedly consumed,0 consumed,1h,1h; do
    expect_failure 64 retention stream-create --retention "$text" t
  done
}
