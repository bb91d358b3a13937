#!/usr/bin/env bats
# stream-get --exec: a command for every batch; what it may do wrong, and what becomes of its records and its output.

load helpers

# numbers N: a stream s of the records 1 to N.
numbers() {
  new_stream s
  seq "$1" | stream-put s
}

# A command that fails, with a word, where a line of its input matches the expression; otherwise it adds its input to
# "done". Each run adds a line to "runs": how many records it had.
picky() {
  cat >command <<EOF2
#!/bin/sh
cat >batch.\$\$
wc -l <batch.\$\$ >>runs
if grep -Eq '$1' batch.\$\$; then echo 'not the last line' >&2; echo 'bad record' >&2; exit 3; fi
cat batch.\$\$ >>done
EOF2
  chmod +x command
  : >runs
  : >done
}

run_sizes() {
  tr -d ' ' <runs | paste -sd' '
}

@test "records are on the command's stdin, batch by batch, and are done when it exits with 0" {
  numbers 7
  picky none
  expect_silence stream-get -q -c x --batch 3 --exec ./command s
  expect_equal "$(cat done)" "$(seq 7)"
  expect_equal "$(run_sizes)" "3 3 1"
  expect_silence stream-get -c x --exec ./command s
  expect_equal "$(run_sizes)" "3 3 1"
}

@test "--batch-bytes bounds a batch, a larger record is one of its own" {
  new_stream s
  printf '%s\n' aaaa bbbb cccccccccccc dddd eeee ffff | stream-put s
  picky none
  expect_silence stream-get -q -c x --batch-bytes 10 --exec ./command s
  expect_equal "$(run_sizes)" "2 1 2 1"
  expect_equal "$(cat done)" "$(stream-get s)"
}

@test "--batch-wait waits for a full batch, and no longer" {
  new_stream s
  picky none
  start stream-get -q -f -c x --batch 3 --batch-wait 1h --exec ./command s
  put s a
  put s b
  put s c
  wait_until has_lines 3 done
  expect_equal "$(run_sizes)" 3
  expect_end_by TERM
  start stream-get -q -f -c x --batch 3 --batch-wait 100ms --exec ./command s
  put s d
  wait_until has_lines 4 done
  expect_end_by TERM
}

@test "the environment tells where the records are from" {
  mkdir streams
  new_stream streams/orders --shards 2
  seq 10 | stream-put --key-field 1 streams/orders
  # shellcheck disable=SC2016
  STREAM_SHARD=other expect_success stream-get -q -c x --json --exec '
    jq -s -r "[.[0].shard, .[0].sequence, .[-1].sequence, .[0].arrived] | @tsv" >"expected.$STREAM_SHARD"
    printf "%s\t%s\t%s\t%s\n" "$STREAM_SHARD" "$STREAM_FIRST_SEQUENCE" "$STREAM_LAST_SEQUENCE" "$STREAM_FIRST_TIME" \
      >"got.$STREAM_SHARD"
    echo "$STREAM_NAME $STREAM_FENCE"' "$PWD/streams/orders"
  expect_stdout $'orders 1\norders 1'
  expect_same got.shardId-000000000000 expected.shardId-000000000000
  expect_same got.shardId-000000000001 expected.shardId-000000000001
  # Whoever holds the shard later has a higher fence.
  stream-put --key-field 1 streams/orders < <(seq 11 20)
  # shellcheck disable=SC2016
  expect_success stream-get -c x --exec 'echo "$STREAM_FENCE"' "streams/orders/"
  expect_stdout $'2\n2'
}

@test "what the command prints is printed, and its messages too" {
  numbers 3
  expect_status 0 stream-get -q -c x --exec 'cat; echo word >&2' s
  expect_stdout "$(seq 3)"
  expect_equal "$(cat "$STDERR")" word
}

@test "a command that leaves its input unread is fine" {
  new_stream s
  seq 200000 | stream-put s
  expect_silence stream-get -q -c x --batch 100000 --exec true s
  expect_silence stream-get -q -c y --batch 100000 --exec 'head -n 1 >/dev/null' s
  expect_silence stream-get -q -c z --batch 100000 --exec 'exec <&-' s
  expect_silence stream-get -c x --exec false s
}

@test "an environment that is empty, as of cron, is enough" {
  numbers 3
  picky none
  expect_silence env -i "$SHARDLOG_BIN/stream-get" -q -c x --exec ./command "$PWD/s"
  expect_equal "$(cat done)" "$(seq 3)"
}

@test "the command gets the signals by default, whatever we do about them" {
  numbers 1
  expect_success stream-get -q -c x --exec "grep -E '^Sig(Blk|Ign)' /proc/self/status" s
  expect_equal "$(awk '/SigBlk/ {print $2}' "$STDOUT")" 0000000000000000
  # As bits: HUP, INT, PIPE, TERM, TSTP, XFSZ.
  local ignored=$((0x$(awk '/SigIgn/ {print $2}' "$STDOUT")))
  expect_equal $((ignored & (1 << 0 | 1 << 1 | 1 << 12 | 1 << 14 | 1 << 19 | 1 << 24))) 0
}

@test "the command has no descriptors of ours" {
  numbers 1
  new_stream t
  local command='ls /proc/$$/fd; :'
  sh -c "$command" >expected  # as whoever runs the tests has them
  expect_success stream-get -q -c x --exec "$command" s
  expect_same "$STDOUT" expected
  expect_success stream-get -q -c y --exec "$command" --into t s
  stream-get t >got
  expect_same got expected
}

# --- failures ------------------------------------------------------------------------------------------------------------------

@test "a command that failed is tried again, with pauses that grow" {
  numbers 3
  cat >command <<'COMMAND'
#!/bin/sh
date +%s%3N >>times
[ "$(wc -l <times)" -gt 3 ]
COMMAND
  chmod +x command
  expect_silence stream-get -q -c x --exec ./command s
  expect_equal "$(wc -l <times)" 4
  mapfile -t times <times
  [ $((times[1] - times[0])) -ge 100 ]
  [ $((times[2] - times[1])) -ge 200 ]
  [ $((times[3] - times[2])) -ge 400 ]
  expect_silence stream-get -c x --exec ./command s
}

@test "--retries says how often" {
  numbers 1
  local retries
  for retries in 0 1; do
    picky .
    expect_failure 1 "'./command'.*shardId-000000000000 1: exit status 3, after $((retries + 1)) attempt" \
      sh -c "stream-get -q -c $retries --retries $retries --exec ./command s 2>all; status=\$?; grep stream-get: all >&2; exit \$status"
    expect_equal "$(wc -l <runs)" "$((retries + 1))"
  done
}

@test "it stops at the record that fails: what is before it is done, it is not" {
  numbers 8
  picky '^6$'
  expect_status 1 stream-get -q -c x --retries 0 --exec ./command s
  grep -q "stream-get: .*shardId-000000000000 6: exit status 3" "$STDERR"
  expect_equal "$(cat done)" "$(seq 5)"
  expect_equal "$(run_sizes)" "8 4 4 2 1 1"
  expect_success stream-get -c x --no-checkpoint s
  expect_stdout "$(seq 6 8)"
}

@test "--on-failure skip leaves out the records that fail, and exits with 1" {
  numbers 100
  picky '^(7|8|100)$'
  expect_status 1 stream-get -q -c x --retries 0 --on-failure skip --exec ./command s
  expect_equal "$(cat done)" "$(seq 100 | grep -Ev '^(7|8|100)$')"
  expect_equal "$(grep -c 'stream-get: .*skipped' "$STDERR")" 3
  grep -q 'shardId-000000000000 7: exit status 3; skipped' "$STDERR"
  expect_silence stream-get -c x --exec ./command s
}

@test "--on-failure dead-letter: puts them into a stream, with what has become of them" {
  new_stream s
  printf 'k1 1\nk2 2\nk3 \xff\n' | stream-put --key-field 1 s
  new_stream bad --shards 4
  picky '2$|'$'\xff'
  expect_status 1 env LC_ALL=C stream-get -q -c x --retries 0 --on-failure dead-letter:bad --exec ./command s
  expect_equal "$(cat done)" "k1 1"
  grep -q "shardId-000000000000 2: exit status 3; put into 'bad'" "$STDERR"
  stream-get bad | sort >letters
  expect_equal "$(wc -l <letters)" 2
  stream-get --json s | jq -c 'select(.key != "k1") + {exit_status: 3, stderr: "bad record"}' | jq -S -c . | sort >expected
  jq -S -c . letters | sort >got
  expect_same got expected
  expect_equal "$(stream-get --json bad | jq -r .key | sort | paste -sd' ')" "k2 k3"
  expect_silence stream-get -c x --exec ./command s
}

@test "a dead letter is stored once, also where it fails again" {
  numbers 3
  new_stream bad
  # The second record's command takes its worker with it once the letter of the first one is stored.
  cat >command <<'COMMAND'
#!/bin/sh
read -r record
case $record in
  1) exit 3 ;;
  2) [ -e killed ] || { touch killed; kill -KILL "$GET"; exit 1; } ;;
esac
echo "$record" >>done
COMMAND
  chmod +x command
  local status=0 options='-c x --batch 1 --retries 0 --on-failure dead-letter:bad'
  # shellcheck disable=SC2016,SC2086
  stream-get -q $options --exec 'GET=$PPID ./command' s 2>/dev/null || status=$?
  expect_equal "$status" 137
  expect_equal "$(stream-get bad | wc -l)" 1
  # shellcheck disable=SC2086
  expect_silence stream-get $options --exec ./command s
  expect_equal "$(stream-get bad | jq -r .data)" 1
  expect_equal "$(sort -u done)" $'2\n3'
}

@test "a command that a signal ends has failed" {
  numbers 1
  # shellcheck disable=SC2016
  expect_failure 1 "killed by signal 9, after 1 attempt" stream-get -q -c x --retries 0 --exec 'kill -KILL $$' s
}

@test "a command that cannot be run ends it at once" {
  numbers 1
  expect_status 1 timeout 20 stream-get -q -c x --retries 1000 --exec ./missing s
  grep -q "stream-get: --exec './missing': .*exit status 127: it cannot be run" "$STDERR"
  echo >data
  expect_status 1 timeout 20 stream-get -q -c x --retries 1000 --on-failure skip --exec ./data s
  grep -q "stream-get: --exec './data': .*exit status 126: it cannot be run" "$STDERR"
  expect_success stream-get -c x s
  expect_stdout 1
}

# --- the end of following ---------------------------------------------------------------------------------------------------------

@test "--idle-exit looks again when COMMAND is done: its time is not idle" {
  numbers 1
  # The first one takes longer than the idle time, and meanwhile more comes in.
  cat >slow <<'END'
cat
[ -e begun ] && exit
touch begun
seq 2 4 | stream-put s
exec sleep 0.3
END
  chmod +x slow
  expect_success timeout 20 stream-get -q -c x -f --idle-exit 200ms --exec 'sh ./slow' s
  expect_stdout "$(seq 4)"
  rm begun
  stream-get s -q -c y --new --seek at:1 --shard 0
  expect_silence stream-create t
  expect_success timeout 20 stream-get -q -c y -f --idle-exit 200ms --workers 2 --exec 'sh ./slow' --into t s
  expect_data t "$(seq 4; seq 2 4)"
}

# --- leases and signals ----------------------------------------------------------------------------------------------------------

@test "a command that takes longer than ten leases keeps its lease" {
  numbers 3
  picky none
  start stream-get -q -c x --lease-duration 200ms --exec 'until [ -e go ]; do sleep 0.01; done; ./command' s
  wait_until is_running_a_command
  # Another run looks for two seconds and gets nothing.
  expect_silence timeout 20 stream-get -f --idle-exit 2s -c x --lease-duration 200ms --exec 'echo taken' s
  touch go
  expect_exit 0
  expect_equal "$(cat done)" "$(seq 3)"
}

is_running_a_command() {
  [ -n "$(cat /proc/"$PID"/task/*/children)" ]
}

@test "runs that overlap do no harm" {
  numbers 3
  picky none
  start stream-get -q -c x --exec 'until [ -e go ]; do sleep 0.01; done; ./command' s
  wait_until is_running_a_command
  expect_silence stream-get -c x --exec ./command s
  touch go
  expect_exit 0
  expect_silence stream-get -c x --exec ./command s
  expect_equal "$(cat done)" "$(seq 3)"
}

@test "a signal lets the command end, and what it has done counts" {
  numbers 3
  picky none
  local signal
  for signal in INT:130 TERM:143 HUP:129; do
    rm -f go
    put s more
    start stream-get -q -c x --exec 'until [ -e go ]; do sleep 0.01; done; ./command' s
    wait_until is_running_a_command
    kill "-${signal%:*}" "$PID"
    touch go
    expect_exit "${signal#*:}"
    expect_silence stream-get -c x s
  done
  expect_equal "$(cat done)" "$(stream-get s)"
}

@test "a signal ends the retries" {
  numbers 3
  picky .
  start stream-get -q -c x --retries 1000 --exec ./command s
  wait_until has_lines 2 runs
  expect_end_by TERM
  expect_success stream-get -c x s
  expect_stdout "$(seq 3)"
}

# As timeout(1) does: to its child, and then to its group.
send_twice_at_once() {
  python3 - "$1" <<'PY'
import os, sys

pid = int(sys.argv[1])
os.kill(pid, 15)
while "ShdPnd:\t0000000000000000" not in open(f"/proc/{pid}/status").read():
    pass
os.kill(pid, 15)
PY
}

@test "a signal that comes twice at once is one: the command may end" {
  numbers 1
  start stream-get -q -c x s --exec 'touch started; until [ -e go ]; do sleep 0.01; done; cat'
  wait_until test -e started
  send_twice_at_once "$PID"
  touch go
  expect_exit 143
  expect_stdout 1
  expect_silence stream-get -c x s --exec cat
}

@test "a second signal ends the command too" {
  numbers 1
  start stream-get -q -c x --exec 'echo $$ >pid; while :; do sleep 0.1; done' s
  wait_until test -s pid
  wait_until is_gone_when_terminated "$PID"
  expect_exit 143
  wait_until is_dead "$(cat pid)"
}

# Also where nobody has noticed yet.
is_dead() {
  ! grep -qs '^State:.[^ZX]' "/proc/$1/status"
}

@test "a worker that has lost its lease ends its command with all that it has started" {
  numbers 1
  start stream-get -q -c x --lease-duration 200ms --exec 'sleep 1000 & echo $! >child; echo $$ >pid; wait; sleep 1000' s
  wait_until test -s pid
  expect_silence stream-get -q -c x --new --seek trim-horizon --force s
  expect_exit 76
  expect_stderr_line "shardId-000000000000"
  wait_until is_dead "$(cat pid)"
  wait_until is_dead "$(cat child)"
  expect_success stream-get -c x s
  expect_stdout 1
}

@test "--workers share the shards, and one that fails ends them all" {
  new_stream s --shards 4
  seq 400 | stream-put --key-field 1 s
  # All four are at work at the same time.
  # shellcheck disable=SC2016
  expect_silence timeout 60 stream-get -q -c x --workers 4 --exec '
    cat >"records.$STREAM_SHARD"
    touch "here.$STREAM_SHARD"
    until [ "$(ls here.* | wc -l)" -eq 4 ]; do sleep 0.01; done' s
  expect_equal "$(cat records.* | sort -n)" "$(seq 400)"
  expect_silence stream-get -c x s
  stream-get -q -c x --seek trim-horizon s
  # shellcheck disable=SC2016
  expect_status 1 timeout 60 stream-get -f -c x --workers 4 --retries 0 --exec '[ "$STREAM_SHARD" != shardId-000000000002 ]' s
  grep -q 'shardId-000000000002' "$STDERR"
}

@test "-n counts the records of all workers" {
  new_stream s --shards 4
  seq 400 | stream-put --key-field 1 s
  expect_success timeout 60 stream-get -q -f -c x --workers 3 --batch 7 -n 100 --exec cat s
  expect_equal "$(wc -l <"$STDOUT")" 100
  stream-get -c x s >rest
  expect_equal "$(sort -n rest "$STDOUT")" "$(seq 400)"
}

# --- --into ------------------------------------------------------------------------------------------------------------------------

@test "--into stores what the command prints" {
  numbers 10
  new_stream t
  expect_silence stream-get -q -c x --batch 4 --exec 'sed s/^/n/' --into t s
  expect_data t "$(seq -f 'n%.0f' 10)"
  expect_silence stream-get -c x --exec 'sed s/^/n/' --into t s
  expect_equal "$(stream-get t | wc -l)" 10
  put s 11
  expect_silence stream-get -c x --exec 'grep none; :' --into t s
  expect_equal "$(stream-get t | wc -l)" 10
}

@test "--into keeps keys by --json and --frames" {
  new_stream s
  printf 'a 1\nb 2\n' | stream-put --key-field 1 s
  local form
  for form in json frames; do
    new_stream "$form"
    expect_silence stream-get -q -c "$form" "--$form" --exec cat --into "$form" s
    expect_equal "$form: $(stream-get --format '{key}={data}' "$form" | paste -sd,)" "$form: a=a 1,b=b 2"
  done
}

@test "--into stores once what a killed worker has stored, and again after --seek" {
  numbers 6
  new_stream t
  # The second batch takes the worker with it, before the checkpoint of the first is anywhere but in t.
  # shellcheck disable=SC2016
  local command='if [ "$STREAM_FIRST_SEQUENCE" = 4 ] && [ ! -e killed ]; then touch killed; kill -KILL $PPID; fi; cat; date +%N'
  local status=0
  stream-get -q -c x --batch 3 --exec "$command" --into t s || status=$?
  expect_equal "$status" 137
  wait_until stream-get -c x --batch 3 --exec "$command" --into t s
  expect_equal "$(stream-get t | grep -c '^.$')" 6
  expect_equal "$(stream-get t | wc -l)" 8
  expect_silence stream-get -q -c x --new --seek trim-horizon s
  expect_silence stream-get -c x --batch 3 --exec cat --into t s
  expect_equal "$(stream-get t | wc -l)" 14
}

@test "--into refuses the stream that is read, and forms that cannot be read back" {
  numbers 1
  new_stream t
  expect_failure 64 "stream that is read" stream-get -c x --exec cat --into s s
  expect_failure 64 "stream that is read" stream-get -c x --exec cat --into ./s/../s s
  expect_failure 64 "stream that is read" stream-get -c x --exec cat --on-failure dead-letter:s s
  expect_failure 64 "--format" stream-get -c x --exec cat --into t --format '{data}' s
  expect_failure 64 "delimiter" stream-get -c x --exec cat --into t -d '' s
  expect_failure 66 "missing" stream-get -c x --exec cat --into missing s
  expect_failure 66 "missing" stream-get -c x --exec cat --on-failure dead-letter:missing s
  # None of this has made a consumer.
  expect_failure 66 "consumer 'x'" stream-get -c x --forget s
}

@test "output that cannot be stored is a failure of the command" {
  numbers 3
  new_stream t --max-record-size 1k
  expect_failure 1 "shardId-000000000000 1: .*output, line 1: over .*size" \
    stream-get -q -c x --retries 0 --exec 'head -c 2000 /dev/zero' --into t s
  expect_failure 1 "shardId-000000000000 1: .*output" stream-get -c x --retries 0 --json --exec 'echo no object' --into t s
  expect_failure 1 "shardId-000000000000 1: its output is more than 64 MiB" \
    stream-get -c x --retries 0 --batch 1 --exec 'yes' --into t s
  expect_no_records t
  new_stream bad
  expect_status 1 stream-get -c x --retries 0 --batch 1 --on-failure dead-letter:bad --json --exec 'echo no object' --into t s
  expect_equal "$(stream-get bad | jq -r .exit_status | paste -sd' ')" "0 0 0"
}

@test "--into waits for what the command has left in the background" {
  numbers 1
  new_stream t
  expect_silence stream-get -q -c x --exec '(until [ -e go ]; do sleep 0.01; done; echo late) & touch go' --into t s
  expect_data t late
}
