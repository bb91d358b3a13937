#!/usr/bin/env bats
# stream-get --follow: what is put later is seen, until told otherwise.

load helpers

@test "records that are put later are seen, in order" {
  new_stream s
  put s 1
  start stream-get --follow s
  local n
  for n in $(seq 2 20); do
    wait_until has_lines $((n - 1)) "$OUTPUT"
    put s "$n"
  done
  wait_until has_lines 20 "$OUTPUT"
  expect_end_by TERM
  expect_stdout "$(seq 20)"
  expect_empty "$STDERR"
}

@test "a stream that is empty is followed from its first record" {
  new_stream s --shards 4
  start stream-get -f s
  put s a
  wait_until has_lines 1 "$OUTPUT"
  put s b
  wait_until has_lines 2 "$OUTPUT"
  expect_end_by INT
  expect_stdout $'a\nb'
}

@test "-n ends following" {
  new_stream s
  put s a
  start stream-get -f -n 3 s
  wait_until has_lines 1 "$OUTPUT"
  printf 'b\nc\nd\n' | stream-put s
  expect_exit 0
  expect_stdout $'a\nb\nc'
  expect_empty "$STDERR"
  expect_success timeout 20 stream-get -f -n 2 s
  expect_stdout $'a\nb'
  expect_success timeout 20 stream-get -f -n 0 s
  expect_empty "$STDOUT"
}

@test "--from latest leaves out what was there, and nothing that comes later" {
  new_stream s
  seq -f 'old %.0f' 100 | stream-put s
  start stream-get -f --from latest --json s
  local n=0
  see_new() {
    n=$((n + 1))
    put s "new $n"
    has_lines 1 "$OUTPUT"
  }
  wait_until see_new
  put s last
  wait_until grep -q '"last"' "$OUTPUT"
  expect_end_by TERM
  # Wherever it began, it has every record from there.
  local first
  first=$(head -n 1 "$STDOUT" | jq -r .sequence)
  [ "$first" -gt 100 ]
  jq -r .sequence "$STDOUT" >got
  seq "$first" "$(stream-get --json s | tail -n 1 | jq -r .sequence)" >expected
  expect_same got expected
}

@test "--from a time follows from there" {
  new_stream s
  put s old
  put s new
  local time
  time=$(stream-get --json s | jq -r 'select(.data == "new") | .arrived')
  start stream-get -f --from "$time" -n 2 s
  wait_until has_lines 1 "$OUTPUT"
  put s newer
  expect_exit 0
  expect_stdout $'new\nnewer'
}

# put_until TIME: until one of them has arrived by then.
put_until() {
  put s "at $SECONDS"
  [ ! "$(stream-get s --json --from last:1 | jq -r .arrived)" \< "$1" ]
}

@test "--from a time to come leaves out what arrives before it, of consumers in every run" {
  new_stream s --shards 2
  local time
  time=$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%S.%6NZ)
  start stream-get -f --from "$time" -n 1 --json s
  put s old
  stream-get -q -c new --from "$time" s >new
  stream-get -q -c moved --new --seek "$time" s
  stream-get -c moved s >moved
  wait_until put_until "$time"
  stream-get -c new s >>new
  stream-get -c moved s >>moved
  expect_exit 0
  stream-get s --json | jq -c --arg time "$time" 'select(.arrived >= $time)' >expected
  expect_same "$STDOUT" <(head -n 1 expected)
  jq -r .data expected >data
  [ -s data ]
  expect_same new data
  expect_same moved data
}

@test "--until a time ends following when it has come" {
  new_stream s
  put s a
  local until
  until=$(date -u -d '1 second' +%Y-%m-%dT%H:%M:%S.%6NZ)
  start stream-get -f --until "$until" s
  put s b
  expect_exit 0
  [ ! "$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)" \< "$until" ]
  # What arrived in time is there.
  stream-get --until "$until" s >expected
  grep -q a expected
  expect_same "$STDOUT" expected
  # However rarely it looks.
  expect_success timeout 20 stream-get -f --poll 1h --until +100ms s
}

@test "--until latest ends following at the tail as it was" {
  new_stream s
  put s a b
  expect_success timeout 20 stream-get -f --until latest s
  expect_stdout $'a\nb'
}

@test "--shard follows that shard only" {
  new_stream s --shards 4
  seq 50 | stream-put s --key-field 1
  start stream-get -f --shard 2 --json s
  seq 51 200 | stream-put s --key-field 1
  stream-get --shard 2 --json s >expected
  [ "$(wc -l <expected)" -gt 20 ]
  wait_until has_lines "$(wc -l <expected)" "$OUTPUT"
  expect_end_by TERM
  expect_same "$STDOUT" expected
}

# milliseconds since the epoch
now() {
  date +%s%3N
}

@test "--idle-exit ends when nothing came in for that long, and not before" {
  new_stream s
  put s a
  local started took
  started=$(now)
  expect_success timeout 20 stream-get -f --idle-exit 300ms s
  took=$(($(now) - started))
  expect_stdout a
  [ "$took" -ge 300 ] || fail "ended after $took ms"
}

@test "--idle-exit begins again with every record" {
  new_stream s
  feed in
  stream-put s <in 3>&- {FEED}>&- &  # one process for all, so that no start of another takes as long as the idle time
  BACKGROUND+=("$!")
  start stream-get -f --idle-exit 1s s
  local n
  for n in 1 2 3 4; do
    echo "$n" >&"$FEED"
    wait_until has_lines "$n" "$OUTPUT"
    [ "$n" -gt 1 ] || local first=${EPOCHREALTIME/./}
    [ "$n" -eq 4 ] || pause 0.4  # idle, and not for long enough
  done
  [ $((${EPOCHREALTIME/./} - first)) -gt 1100000 ]
  expect_exit 0
  expect_stdout "$(seq 4)"
}

@test "--idle-exit of nothing ends at the tail" {
  new_stream s
  put s a b
  expect_success timeout 20 stream-get -f --idle-exit 0 s
  expect_stdout $'a\nb'
}

@test "--idle-exit looks again after the reader has taken all: its time is not idle" {
  new_stream s
  put s 1 2
  # 2 is still in the pipe when 3 is put.
  timeout 20 stream-get -f --idle-exit 0 s | (
    read -r line
    put s 3
    echo "$line"
    cat
  ) >got
  expect_equal "$(cat got)" "$(seq 3)"
}

# wakeups KIND: "commits" or "look", of what -v told.
wakeups() {
  sed -nE "s/^stream-get: woken ([0-9]+) times by commits, ([0-9]+) times to look$/\\$1/p" "$STDERR"
}

@test "a commit wakes a follower once at most, and the notice of it arrives" {
  new_stream s
  start stream-get -v -f s
  local n
  for n in $(seq 30); do
    put s "$n"
    wait_until has_lines "$n" "$OUTPUT"
  done
  expect_end_by TERM
  local woken
  woken=$(wakeups 1)
  [ "$woken" -le 30 ] || fail "woken $woken times by 30 commits"
  [ "$woken" -ge 15 ] || fail "woken $woken times only by 30 commits: it is the clock that finds them"
}

@test "many commits at once wake a follower no more often than there are commits" {
  new_stream s
  start stream-get -v -f s
  seq 2000 | while IFS= read -r line; do echo "$line"; done | stream-put --ack s >acknowledged
  wait_until has_lines 2000 "$OUTPUT"
  expect_end_by TERM
  local commits woken
  commits=$(stream-stats --verify s | sed -E 's/.* in ([0-9,]+) batches.*/\1/; s/,//g')
  woken=$(wakeups 1)
  [ "$woken" -le "$commits" ] || fail "woken $woken times by $commits commits"
  expect_stdout "$(seq 2000)"
}

@test "reading wakes nobody" {
  new_stream s
  put s a
  start stream-get -v -f s
  wait_until has_lines 1 "$OUTPUT"
  local n
  for n in 1 2 3 4 5; do
    stream-get s >/dev/null
    stream-stats s >/dev/null
    stream-stats --verify s >/dev/null
  done
  put s b
  wait_until has_lines 2 "$OUTPUT"
  expect_end_by TERM
  [ "$(wakeups 1)" -le 2 ]
}

@test "--poll looks at intervals and is woken by nothing else" {
  new_stream s
  start stream-get -v -f --poll 20ms s
  local n
  for n in 1 2 3; do
    put s "$n"
    wait_until has_lines "$n" "$OUTPUT"
  done
  expect_end_by TERM
  expect_stdout "$(seq 3)"
  expect_equal "$(wakeups 1)" 0
  [ "$(wakeups 2)" -ge 1 ]
}

@test "a long --poll does not put off the end" {
  new_stream s
  put s a
  start stream-get -f --poll 1h s
  wait_until has_lines 1 "$OUTPUT"
  expect_end_by TERM
  expect_success timeout 20 stream-get -f --poll 1h --idle-exit 50ms s
  expect_stdout a
}

@test "INT, TERM and HUP end it by that signal, and what was read is written" {
  new_stream s
  seq 1000 | stream-put s
  local signal
  for signal in INT TERM HUP; do
    start stream-get -f s
    wait_until has_lines 1000 "$OUTPUT"
    expect_end_by "$signal"
    expect_stdout "$(seq 1000)"
    expect_empty "$STDERR"
  done
}

@test "it dies of the signal and does not only say so" {
  new_stream s
  python3 - <<'PYTHON'
import signal, subprocess
for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
    get = subprocess.Popen(["stream-get", "--follow", "s"], stdout=subprocess.DEVNULL)
    subprocess.run(["stream-put", "s"], input=b"x\n", check=True)
    while True:  # until it listens to signals: blocked, as bits of a mask
        status = open(f"/proc/{get.pid}/status").read()
        blocked = int(status.split("SigBlk:")[1].split()[0], 16)
        if blocked >> (number - 1) & 1:
            break
        assert get.poll() is None
    get.send_signal(number)
    assert get.wait(20) == -number, get.returncode
PYTHON
}

@test "a signal that the parent ignores stays ignored" {
  new_stream s
  put s a
  env --ignore-signal=HUP nohup stream-get -f -n 2 s >"$OUTPUT" 2>"$MESSAGES" </dev/null 3>&- &
  PID=$!
  BACKGROUND+=("$PID")
  wait_until has_lines 1 "$OUTPUT"
  kill -HUP "$PID"
  put s b
  expect_exit 0
  expect_equal "$(grep -v nohup "$STDOUT")" $'a\nb'
}

@test "a signal ends it while nobody reads its output" {
  new_stream s
  seq 2000000 | stream-put s
  begin_for_reader stream-get -f s
  wait_until is_blocked_by_its_reader "$PID"
  # The first lets it finish what it writes, the next one does not.
  wait_until is_gone_when_terminated "$PID"
  expect_exit 143
  expect_empty "$STDERR"
}

# A thread of it sleeps in write(2) to a pipe.
is_blocked_by_its_reader() {
  grep -qsE 'pipe_w(rite|ait)' "/proc/$1"/task/*/wchan || grep -qs '^1 0x1 ' "/proc/$1"/task/*/syscall
}

@test "stopped and continued it goes on" {
  new_stream s
  put s a
  set -m  # a process group of its own: TSTP stops it only if a shell, as here, can continue it
  start stream-get -f s
  set +m
  wait_until has_lines 1 "$OUTPUT"
  local signal
  for signal in TSTP STOP; do
    kill "-$signal" "$PID"
    wait_until is_stopped "$PID"
    put s "$signal"
    kill -CONT "$PID"
    wait_until grep -q "$signal" "$OUTPUT"
  done
  expect_end_by TERM
  expect_stdout $'a\nTSTP\nSTOP'
}

is_stopped() {
  grep -q '^State:.T' "/proc/$1/status"
}

@test "a stream that is removed while it is followed is no longer found" {
  new_stream s
  put s a
  start stream-get -f s
  wait_until has_lines 1 "$OUTPUT"
  remove s
  expect_exit 66
  expect_stdout a
  expect_stderr_line "s'.*removed"
}

@test "a stream that takes the place of the one that is followed is not mixed with it" {
  new_stream s
  put s a
  start stream-get -f s
  wait_until has_lines 1 "$OUTPUT"
  mv s old
  new_stream s
  put s b
  expect_exit 66
  expect_stdout a
  expect_stderr_line "'s'.*removed"
}

@test "a follower never reads more than once what many put" {
  new_stream s --shards 4
  start stream-get -f --json s
  local n pids=()
  for n in 1 2 3 4; do
    seq -f "$n-%.0f" 500 | while IFS= read -r line; do echo "$line"; done | stream-put s 3>&- &
    pids+=("$!")
  done
  for n in "${pids[@]}"; do wait "$n"; done
  wait_until has_lines 2000 "$OUTPUT"
  expect_end_by TERM
  stream-get --json s >expected
  expect_same "$STDOUT" expected
}

# expect_end_with_reader LINES: once they have come nobody reads any more, and it ends by the signal PIPE, without a word.
expect_end_with_reader() {
  local n line
  for ((n = 0; n < $1; n++)); do read -r -t 20 line <&"$READER" || fail "line $((n + 1)) does not come" || return; done
  exec {READER}<&-
  expect_exit 141 && expect_empty "$STDERR"
}

@test "a reader that goes away ends following at once, though nothing more comes" {
  new_stream s
  put s a
  local options
  for options in "" "-k a" "--sample 100" "--poll 1h" "--idle-exit 1h" "-q -c x" "-q -c y --poll 1h" "-c y --no-checkpoint"; do
    [ "$options" != "-c y --no-checkpoint" ] || stream-get s -c y --seek trim-horizon
    [ "$options" != "-k a" ] || echo 'a' | stream-put s --key a
    # shellcheck disable=SC2086
    begin_for_reader stream-get -f s $options
    expect_end_with_reader 1 || fail "with '$options'" || return
  done
  expect_equal "$(stream-get -c x s)" a  # the second record was not read
}

@test "a reader that goes away ends it in the pauses of --replay" {
  new_stream s
  put s a
  put s b
  for options in "" "-f"; do
    # shellcheck disable=SC2086
    begin_for_reader stream-get --replay 0.000000001 $options s
    expect_end_with_reader 1
  done
}

@test "a reader on a socket that goes away ends following" {
  new_stream s
  put s a
  python3 - <<'PYTHON'
import signal, socket, subprocess
for options in [], ["-q", "-c", "x"]:
    ours, theirs = socket.socketpair()
    get = subprocess.Popen(["stream-get", "-f", "s", *options], stdout=theirs, stderr=subprocess.PIPE)
    theirs.close()
    assert ours.recv(2, socket.MSG_WAITALL) == b"a\n"
    ours.close()
    try:
        assert get.wait(20) == -signal.SIGPIPE, get.returncode
        assert get.stderr.read() == b""
    finally:
        get.kill()
PYTHON
}

@test "what ends by itself is not ended by a reader that has seen all" {
  new_stream s
  put s a
  local options
  for options in "-n 1" "-q -c x -n 1"; do
    # shellcheck disable=SC2086
    expect_equal "$(timeout 20 stream-get -f $options s | head -n 1; echo "${PIPESTATUS[0]}")" $'a\n0'
  done
}

@test "a reader that goes away ends following at the next record" {
  new_stream s
  put s a
  bash -c 'stream-get -f s 2>"$MESSAGES" | head -n 1 >"$OUTPUT"; exit "${PIPESTATUS[0]}"' 3>&- &
  PID=$!
  BACKGROUND+=("$PID")
  wait_until has_lines 1 "$OUTPUT"
  put_and_look() {
    put s more
    is_gone "$PID"
  }
  wait_until put_and_look
  expect_exit 141
  expect_stdout a
  expect_empty "$STDERR"
}
