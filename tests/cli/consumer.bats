#!/usr/bin/env bats
# stream-get --consumer: goes on where it stopped, shares shards, and forgets nothing that a reader has not taken.

load helpers

# A stream of N lines of nine digits and a newline each: the end of a record is known by the number of bytes.
ten_byte_records() {
  new_stream s
  seq -f '%09.0f' "$1" >all
  stream-put s all
}

# The consumer x exists and has come to the end.
at_the_end() {
  stream-get -q -c x "$1" >/dev/null
}

@test "a consumer goes on where it stopped" {
  new_stream s
  put s a b
  expect_status 0 stream-get -c x s
  expect_stdout $'a\nb'
  expect_stderr_line "new consumer 'x' begins at trim-horizon"
  expect_silence stream-get -c x s
  put s c
  expect_success stream-get --consumer x s
  expect_stdout c
  expect_status 0 stream-get -c y s
  expect_stdout $'a\nb\nc'
}

@test "-q does not tell of a new consumer" {
  new_stream s
  expect_silence stream-get -q -c x s
}

@test "--from is for a new consumer only" {
  new_stream s
  put s a b c
  expect_status 0 stream-get -c x --from last:1 s
  expect_stdout c
  expect_stderr_line "new consumer 'x' begins at last:1"
  put s d
  expect_status 0 stream-get -c x --from trim-horizon s
  expect_stdout d
  expect_stderr_line "--from 'trim-horizon' is ignored: consumer 'x' goes on where it stopped, and --seek sets it"
  expect_silence stream-get -q -c x --from trim-horizon s
  expect_status 0 stream-get -c y --from latest s
  expect_empty "$STDOUT"
  put s e
  expect_success stream-get -c y s
  expect_stdout e
}

@test "-n leaves the rest for the next run" {
  new_stream s
  seq 10 | stream-put s
  expect_success stream-get -q -c x -n 3 s
  expect_stdout "$(seq 3)"
  expect_success stream-get -c x -n 4 s
  expect_stdout "$(seq 4 7)"
  expect_silence stream-get -c x -n 0 s
  expect_success timeout 20 stream-get -f -c x -n 3 s
  expect_stdout "$(seq 8 10)"
  expect_silence stream-get -c x s
}

@test "every form of output, a batch cut where the consumer stopped" {
  new_stream s
  printf 'a 1\nb 2\nc 3\n' | stream-put --key-field 1 s
  stream-get --json s | tail -n 2 >expected
  expect_success stream-get -q -c json -n 1 s
  expect_success stream-get -c json --json s
  expect_same "$STDOUT" expected
  expect_success stream-get -q -c frames -n 1 s
  new_stream copy
  stream-get -c frames --frames s | stream-put --frames copy
  expect_equal "$(stream-get --format '{key}={data}' copy)" $'b=b 2\nc=c 3'
  expect_success stream-get -q -c zero -n 1 s
  expect_equal "$(stream-get -c zero -0 s | tr '\0' '|')" 'b 2|c 3|'
}

@test "--no-checkpoint looks and changes nothing" {
  new_stream s
  put s a b c
  expect_failure 66 "consumer 'x'" stream-get -c x --no-checkpoint s
  stream-get -q -c x -n 1 s
  expect_success stream-get -c x --no-checkpoint s
  expect_stdout $'b\nc'
  expect_success stream-get -c x --no-checkpoint -n 1 --json s
  expect_equal "$(jq -r .data "$STDOUT")" b
  expect_success stream-get -c x s
  expect_stdout $'b\nc'
}

@test "children are read after their parents" {
  new_stream s
  seq -f 'k %.0f' 5 | stream-put --key-field 1 s
  stream-reshard split s 0
  seq -f 'k %.0f' 6 10 | stream-put --key-field 1 s
  stream-get -q -c x -n 2 s >got
  stream-reshard scale s 4 2>/dev/null
  seq -f 'k %.0f' 11 15 | stream-put --key-field 1 s
  stream-get -c x s >>got
  expect_equal "$(cat got)" "$(seq -f 'k %.0f' 15)"
  expect_silence stream-get -c x s
}

# --- pipes -------------------------------------------------------------------------------------------------------------------

@test "a reader that dies loses nothing that was still in the pipe" {
  ten_byte_records 100000
  local status
  stream-get -q -c x s | dd bs=1000 count=5 iflag=fullblock status=none >got
  status=${PIPESTATUS[0]}
  expect_equal "$status" 0 || expect_equal "$status" 141
  expect_equal "$(wc -l <got)" 500
  # In the middle of a record: that is not taken.
  stream-get -c x s | dd bs=1005 count=1 iflag=fullblock status=none | head -n 100 >>got
  stream-get -c x s >>got
  expect_same got all
}

@test "a reader that dies ends it by the signal PIPE, without a word" {
  ten_byte_records 100000
  local status
  stream-get -q -c x s 2>"$STDERR" | head -n 1 >"$STDOUT"
  status=${PIPESTATUS[0]}
  expect_equal "$status" 141
  expect_empty "$STDERR"
}

@test "--idle-exit looks again after the reader has taken all: its time is not idle" {
  expect_silence stream-create s
  put s 1 2
  # 2 is still in the pipe when 3 is put.
  timeout 20 stream-get -q -c x -f --idle-exit 0 s | (
    read -r line
    put s 3
    echo "$line"
    cat
  ) >got
  expect_equal "$(cat got)" "$(seq 3)"
  expect_silence stream-get -c x s
}

@test "the checkpoint is after what the reader has taken, even if it reads on for long" {
  ten_byte_records 30000
  stream-get -q -c x s | (
    dd bs=100000 count=1 iflag=fullblock status=none
    cat
  ) >got
  expect_same got all
  expect_silence stream-get -c x s
}

@test "a signal waits for the reader, and the next run goes on after what it has taken" {
  ten_byte_records 100000
  begin_for_reader stream-get -q -f -c x s
  wait_until pipe_is_full
  kill -TERM "$PID"
  cat <&"$READER" >got 3>&- &
  local cat=$!
  BACKGROUND+=("$cat")
  expect_exit 143
  wait "$cat"
  expect_empty "$STDERR"
  [ "$(wc -l <got)" -lt 100000 ] || fail "it has printed everything"
  stream-get -c x s >>got
  expect_same got all
}

# There is as much in the pipe as fits, or nearly.
pipe_is_full() {
  [ "$(unread_bytes "$READER")" -ge 40000 ]
}

@test "a blocked output keeps its lease" {
  ten_byte_records 100000
  begin_for_reader stream-get -q -c x --lease-duration 200ms s
  wait_until pipe_is_full
  # Ten lease durations; another one takes nothing.
  expect_success timeout 20 stream-get -f --idle-exit 2s -c x --lease-duration 200ms s
  expect_empty "$STDOUT"
  cat <&"$READER" >got 3>&- &
  local cat=$!
  BACKGROUND+=("$cat")
  expect_exit 0
  wait "$cat"
  expect_same got all
}

@test "into a file records are done when they are written, and what cannot be written is an error" {
  ten_byte_records 1000
  stream-get -q -c x s >got
  expect_same got all
  expect_silence stream-get -c x s
  local status=0
  stream-get -q -c y s 2>"$STDERR" >/dev/full || status=$?
  expect_equal "$status" 74
  expect_stderr_line "stdout.*No space left"
  expect_success stream-get -c y s
  expect_same "$STDOUT" all
}

# --- together ----------------------------------------------------------------------------------------------------------------

@test "a run leaves the shards of others to them, and -v names them" {
  ten_byte_records 100000
  begin_for_reader stream-get -q -c x --worker first s
  wait_until pipe_is_full
  expect_silence stream-get -c x s
  expect_status 0 stream-get -v -c x s
  expect_empty "$STDOUT"
  grep -q "shardId-000000000000 is left to worker 'first'" "$STDERR"
  # A person is told why nothing comes; a log of cron's is not filled with it.
  expect_success python3 "$SHARDLOG_SOURCE/tests/cli/on_keyboard.py" -- stream-get -c x s
  expect_stdout "stream-get: nothing was delivered: the shards of consumer 'x' are read by worker 'first'"
}

@test "two that follow share the shards, and each record goes to one of them" {
  new_stream s --shards 4
  stream-get -q -f -c x --lease-duration 500ms s >one 2>"$MESSAGES" 3>&- &
  BACKGROUND+=("$!")
  local one=$!
  stream-get -q -f -c x --lease-duration 500ms s >two 2>"$MESSAGES" 3>&- &
  BACKGROUND+=("$!")
  local two=$! n=0
  both_have_some() {
    n=$((n + 1))
    seq -f "$n-%.0f" 8 | stream-put --key-field 1 s
    [ -s one ] && [ -s two ]
  }
  wait_until both_have_some
  stream-get s | sort >expected
  wait_until all_are_there
  kill -TERM "$one" "$two"
  wait "$one" || true
  wait "$two" || true
  sort one two >got
  expect_same got expected
  expect_silence stream-get -c x s
}

all_are_there() {
  [ "$(cat one two | wc -l)" -ge "$(wc -l <expected)" ]
}

@test "what a killed worker had not done is done by the next" {
  ten_byte_records 20000
  begin_for_reader stream-get -q -c x s
  wait_until pipe_is_full
  kill -KILL "$PID"
  wait "$PID" || true
  # At once, though a lease lasts ten seconds.
  expect_success timeout 5 stream-get -c x s
  expect_same "$STDOUT" all
}

# --- seek and forget ---------------------------------------------------------------------------------------------------------

@test "--seek takes every position" {
  new_stream s
  put s a
  put s b
  put s c
  at_the_end s
  local time
  time=$(stream-get --json s | jq -r 'select(.data == "b") | .arrived')
  local position
  for position in trim-horizon=abc latest= last:1=c last:2=bc "$time=bc" -1h=abc now=; do
    expect_silence stream-get -q -c x --new --seek "${position%=*}" s
    expect_equal "$position: $(stream-get -c x s | tr -d '\n')" "$position: ${position##*=}"
  done
  local second
  second=$(stream-get --json s | jq -r 'select(.data == "b") | .sequence')
  expect_silence stream-get -q -c x --new --seek "at:$second" --shard 0 s
  expect_equal "$(stream-get -c x s)" $'b\nc'
  expect_silence stream-get -q -c x --new --seek "after:$second" --shard 0 s
  expect_equal "$(stream-get -c x s)" c
}

@test "--seek with --new makes a consumer that is not there" {
  new_stream s
  put s a b
  expect_silence stream-get -q -c x --new --seek last:1 s
  expect_success stream-get -c x s
  expect_stdout b
}

@test "--seek says what it did, and makes no consumer without --new" {
  new_stream s --shards 4
  seq 20 | stream-put --key-field 1 s
  expect_failure 66 "consumer 'billing': no such consumer; the stream has none; --new makes it" stream-get -c billing --seek latest s
  expect_status 0 stream-get -c billing --new --seek latest s
  expect_empty "$STDOUT"
  expect_stderr_line "new consumer 'billing': 4 shards set to latest, 0 records to go$"
  expect_status 0 stream-get -c billing --seek earliest s
  expect_stderr_line "get: consumer 'billing': 4 shards set to earliest, 20 records to go$"
  expect_status 0 stream-get -c billing --seek latest --shard 2 s
  expect_stderr_line "consumer 'billing': shardId-000000000002 set to latest, $((20 - $(stream-get s --shard 2 | wc -l))) records to go, $(stream-get s --shard 2 | wc -l) records passed over$"
  expect_failure 66 "consumer 'biling': no such consumer; did you mean 'billing'\? --new makes it" stream-get -c biling --seek latest s
  expect_status 0 stream-get -c biling --new --seek latest s
  expect_stderr_line "new consumer 'biling': 4 shards set to latest, 0 records to go; did you mean 'billing'\?$"
  expect_failure 64 "--new needs --seek" stream-get -c x --new s
}

@test "--seek of one shard leaves the others" {
  new_stream s --shards 2
  seq 20 | stream-put --key-field 1 s
  at_the_end s
  expect_silence stream-get -q -c x --new --seek trim-horizon --shard 1 s
  stream-get --shard 1 s >expected
  [ -s expected ]
  expect_success stream-get -c x s
  expect_same "$STDOUT" expected
}

@test "--seek refuses what is not a position" {
  new_stream s --shards 2
  seq 20 | stream-put --key-field 1 s
  expect_failure 64 "give exactly one --shard" stream-get -c x --seek at:1 s
  expect_failure 64 "--seek: takes one --shard" stream-get -c x --seek latest --shard 0 --shard 1 s
  expect_failure 64 "not a position" stream-get -c x --seek nowhere s
  expect_failure 66 "shardId-000000000007" stream-get -c x --new --seek latest --shard 7 s
  expect_failure 66 "consumer 'x'" stream-get -c x --no-checkpoint s
}

@test "--seek to a sequence number that was trimmed is refused" {
  new_stream s --retention 1s
  put s a
  local old
  old=$(stream-get --json s | jq -r .sequence)
  wait_until has_expired s
  put s b
  at_the_end s
  expect_failure 69 "$old" stream-get -c x --new --seek "at:$old" --shard 0 s
}

@test "--seek and --forget mind a worker that is at work, unless forced" {
  new_stream s
  put s a
  start stream-get -q -f -c x --worker first s
  wait_until has_lines 1 "$OUTPUT"
  expect_failure 75 "worker 'first'.*--force" stream-get -c x --seek trim-horizon s
  expect_failure 75 "worker 'first'.*--force" stream-get -c x --forget s
  expect_silence stream-get -q -c x --new --seek trim-horizon --force s
  put s b
  expect_exit 76
  expect_stderr_line "lease|shardId-000000000000"
  expect_success stream-get -c x s
  expect_stdout $'a\nb'
}

@test "--forget removes a consumer, and a worker that is forced notices" {
  new_stream s
  put s a
  expect_failure 66 "consumer 'x'" stream-get -c x --forget s
  at_the_end s
  expect_silence stream-get -c x --forget s
  expect_failure 66 "consumer 'x'" stream-get -c x --forget s
  start stream-get -q -f -c x s
  wait_until has_lines 1 "$OUTPUT"
  expect_silence stream-get -c x --forget --force s
  put s b
  expect_exit 76
}

# --- refusals ----------------------------------------------------------------------------------------------------------------

@test "options that do not go together are refused" {
  new_stream s
  local refused
  for refused in "--exec cat" "--worker w" "--lease-duration 1s" "--seek latest" --forget --no-checkpoint --force; do
    # shellcheck disable=SC2086
    expect_failure 64 "consumer" stream-get $refused s
  done
  for refused in "--workers 2" "--batch 1" "--batch-bytes 1k" "--batch-wait 1s" "--retries 1" "--on-failure skip" "--into t"; do
    # shellcheck disable=SC2086
    expect_failure 64 "exec" stream-get -c x $refused s
  done
  for refused in "--key k" "--until now" "--sample 10" "--replay 1x" "--shard 0" "--shard 0 --descendants"; do
    # shellcheck disable=SC2086
    expect_failure 64 "-(c|-consumer|-shard)" stream-get -c x $refused s
  done
  for refused in "--exec cat" --follow "-n 1" "--from latest" --json "--worker w" --strict --forget --no-checkpoint; do
    # shellcheck disable=SC2086
    expect_failure 64 "--seek" stream-get -c x --seek latest $refused s
  done
  expect_failure 64 "--force" stream-get -c x --force s
  expect_failure 64 "no-checkpoint" stream-get -c x --no-checkpoint --exec cat s
}

@test "values that are not valid are refused" {
  new_stream s
  expect_failure 64 "consumer" stream-get -c 'a b' s
  expect_failure 64 "consumer" stream-get -c '' s
  expect_failure 64 "--worker" stream-get -c x --worker '' s
  expect_failure 64 "--lease-duration '99ms'" stream-get -c x --lease-duration 99ms s
  expect_failure 64 "--lease-duration 'x'" stream-get -c x --lease-duration x s
  expect_failure 64 "--exec" stream-get -c x --exec '' s
  expect_failure 64 "--batch '0'" stream-get -c x --exec cat --batch 0 s
  expect_failure 64 "--batch-bytes '0'" stream-get -c x --exec cat --batch-bytes 0 s
  expect_failure 64 "--workers '0'" stream-get -c x --exec cat --workers 0 s
  expect_failure 64 "--retries '-1'" stream-get -c x --exec cat --retries=-1 s
  expect_failure 64 "--on-failure 'dead-letter:'" stream-get -c x --exec cat --on-failure dead-letter: s
  expect_failure 64 "--on-failure 'x'" stream-get -c x --exec cat --on-failure x s
  expect_failure 64 "sequence number" stream-get -c x --from at:1 s
  expect_failure 64 "--format" stream-get -c x --format '{' s
  expect_failure 66 "consumer 'x'" stream-get -c x --no-checkpoint s
}

@test "reading for a consumer needs permission to write" {
  need_root "to become somebody else"
  enter_public_directory
  new_stream s
  chmod -R a+rX s
  expect_failure 77 "'s" as_nobody stream-get -c x s
}

@test "trimmed records are reported, and --strict stops there" {
  new_stream s --retention 1s
  put s a b
  expect_success stream-get -q -c x -n 1 s
  wait_until has_expired s
  put s c
  expect_status 1 stream-get -c x --no-checkpoint s
  expect_status 1 stream-get -c x --strict s
  expect_empty "$STDOUT"
  expect_stderr_line "gap: shardId-000000000000 2..2 trimmed"
}
