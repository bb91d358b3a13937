#!/usr/bin/env bats
# stream-put --on-error: what becomes of records that break a rule.

load helpers

# expect_messages PATTERN...: the lines on stderr.
expect_messages() {
  local n=0 pattern
  for pattern in "$@"; do
    n=$((n + 1))
    sed -n "${n}p" "$STDERR" | grep -Eqe "^stream-put: $pattern" || fail "line $n is not '$pattern': $(cat -v "$STDERR")" || return
  done
  expect_equal "$(wc -l <"$STDERR")" "$n"
}

@test "skip leaves out records that break a rule and stores the rest" {
  new_stream s --max-record-size 1KiB
  { printf 'a 1\nb\n'; printf 'x%.0s' {1..1025}; printf '\nc \xff\nd 4\ne %s\nf 6' "$(printf 'k%.0s' {1..257})"; } >input
  expect_status 1 stream-put s --key-field 2 --on-error skip input
  expect_messages "line 2 of 'input': no partition key" "line 3 of 'input': over the stream's maximum" "line 4 of 'input'.*UTF-8" \
    "line 6 of 'input'.*257 characters" "4 records skipped; 3 records committed, the last is 3 of"
  expect_data s $'a 1\nd 4\nf 6'
}

@test "stop is what happens otherwise" {
  new_stream s
  printf 'a 1\nb\nc 3\n' | expect_failure 65 "line 2 .*1 record committed" stream-put s --key-field 2 --on-error stop
  expect_failure 64 "stop nor skip" stream-put s --on-error go </dev/null
  expect_data s "a 1"
}

@test "in a long input, too, all before the record that breaks a rule is stored, and nothing behind it" {
  new_stream s --shards 4
  seq 900000 | sed 's/.*/{"k":"&"}/; 600001s/}//' >input
  expect_failure 65 "line 600001 .*: .*; 600000 records committed" stream-put s --key-json /k input
  stream-get s | sort >stored
  head -n 600000 input | sort | cmp - stored
}

@test "a long input comes back in its order, whichever keys and compression it has" {
  local compression
  seq 1000000 | awk '{ print $1 % 7, $1 }' >input
  for compression in none lz4 zstd; do
    new_stream "$compression" --compression "$compression" --shards 3
    expect_silence stream-put "$compression" input
    expect_silence stream-put "$compression" --key-field 1 input
    stream-get "$compression" --from trim-horizon -n 1000000 | cmp - input
    stream-get "$compression" --key 3 | cmp - <(grep '^3 ' input)
  done
}

@test "skip with nothing to skip is a success" {
  new_stream s
  printf 'a\nb\n' | expect_silence stream-put s --on-error skip
}

@test "-q leaves the count" {
  new_stream s
  printf 'a\nb 2\n' | expect_status 1 stream-put s -q --key-field 2 --on-error skip
  expect_messages "1 record skipped; 1 record committed"
}

@test "--ack has a line for each record that is left out, in its place" {
  new_stream s --max-record-size 1KiB
  { printf 'a\n'; printf 'x%.0s' {1..1025}; printf '\nb\n'; printf 'x%.0s' {1..4000}; } >input
  expect_status 1 stream-put s --ack --on-error skip input
  expect_stdout $'shardId-000000000000\t1
-\tover the stream\'s maximum record size of 1024 bytes
shardId-000000000000\t2
-\tover the stream\'s maximum record size of 1024 bytes'
  printf '{"k":1}\nx\n{"k":2}\n' | expect_status 1 stream-put s --ack --key-json /k --on-error skip
  expect_stdout $'shardId-000000000000\t3\n-\tnot valid JSON\nshardId-000000000000\t4'
}

@test "skip with --json and --key-json goes on behind what is not JSON" {
  new_stream s
  printf '%s\n' '{"data":"a"}' '{' '{"user":1}' '' '{"data":"b","key":""}' '{"data":"c"}' >input
  expect_status 1 stream-put s --json --on-error skip input
  expect_messages "line 2 of 'input': not valid JSON" "line 3 of 'input': no \"data\"" "line 5 of 'input'.*empty" "3 records skipped; 2"
  expect_data s $'a\nc'
}

# within_memory MIB COMMAND...
within_memory() {
  python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
if peak > int(sys.argv[1]): sys.exit("%d MiB" % peak)
sys.exit(status)' "$@"
}

@test "a line of 800 MiB is skipped without being held" {
  new_stream s
  { echo a; head -c 800M /dev/zero; printf '\nb\n'; } | expect_status 1 within_memory 400 stream-put s --on-error skip
  expect_messages "line 2 of 'standard input': over" "1 record skipped; 2 records committed"
  expect_data s $'a\nb'
}

@test "too large records are skipped with every delimiter, wherever they end" {
  local delimiter
  for delimiter in '\n' '\0' '<=>'; do
    remove s
    new_stream s --max-record-size 1KiB --shards 3
    python3 - "$delimiter" >expected <<'PYTHON'
import random, sys
d = eval("b'" + sys.argv[1] + "'")
r = random.Random(3)
with open("input", "wb") as out:
    for n in range(3000):
        size = r.choice([0, 5, 1023, 1024, 1025, 1026, 1027, 3000, 70000])
        out.write(b"<=" * (size // 2) + b"x" * (size % 2) + d)
        if size <= 1024: print(size)
PYTHON
    expect_status 1 stream-put s -d "$delimiter" --on-error skip input
    stream-get --json s | jq '.data | length' >got
    expect_same got expected
    expect_equal "$(tail -n 1 "$STDERR" | grep -oE '[0-9,]+ records skipped')" "$(awk 'END { print 3000 - NR }' expected | sed -E 's/([0-9])([0-9]{3})$/\1,\2/') records skipped"
  done
}

@test "a file that is too large is skipped with --whole" {
  new_stream s --max-record-size 1KiB
  echo a >a
  head -c 100000 /dev/zero >big
  expect_status 1 stream-put s --whole --on-error skip a big a
  expect_messages "'big': over" "1 record skipped; 2 records committed"
}

@test "what is not a record cannot be skipped" {
  new_stream s
  echo a >a
  expect_failure 66 "missing.*1 record committed" stream-put s --on-error skip a missing a
  expect_failure 65 "byte 0 of 'a': frame: cut off" stream-put s --frames --on-error skip a
}
