#!/usr/bin/env bats
# stream-put: --rate, --sample, and what is shown to a person who waits.

load helpers

# --- sampling ----------------------------------------------------------------------------------------------------------------

@test "--sample keeps an even share" {
  local percent
  for percent in 50 25% 10 1; do
    rm -rf s
    new_stream s
    seq 10000 | expect_silence stream-put s --sample "$percent"
    stream-get s >got
    expect_equal "$percent: $(wc -l <got)" "$percent: $((100 * ${percent%\%}))"
    # Evenly: as many in each tenth.
    expect_equal "$(awk '{ ++n[int(($1 - 1) / 1000)] } END { for (i = 0; i < 10; ++i) print n[i] }' got | sort -u)" "$((10 * ${percent%\%}))"
  done
}

@test "--sample 100 keeps everything" {
  new_stream s --shards 3
  seq 1000 >input
  expect_silence stream-put s --sample 100 input
  expect_records s input
}

@test "--sample-by key keeps whole keys, the same ones each time" {
  new_stream s --shards 4
  new_stream t
  seq 20000 | awk '{ print "k" $1 % 500, $1 }' >input
  expect_silence stream-put s --key-field 1 --sample 30 --sample-by key input
  expect_silence stream-put t --key-field 1 --sample 30 --sample-by key input
  stream-get s | sort >got
  expect_same got <(stream-get t | sort)
  awk '{ ++n[$1] } END { for (k in n) if (n[k] != 40) print k, n[k] }' got >partly
  expect_empty partly
  local keys
  keys=$(cut -d ' ' -f 1 got | sort -u | wc -l)
  { [ "$keys" -gt 100 ] && [ "$keys" -lt 200 ]; } || fail "$keys of 500 keys"  # 30 % with five standard deviations
}

@test "--sample keeps order with --ack, which says what was left out" {
  new_stream s
  seq 4 | expect_success stream-put s --ack --sample 50
  expect_equal "$(cut -f 1 "$STDOUT" | sort | uniq -c | awk '{ print $1, $2 }')" $'2 -\n2 shardId-000000000000'
  grep -q $'^-\tsampled out$' "$STDOUT"
}

@test "shares that are not valid are usage errors" {
  new_stream s
  local bad
  for bad in 0 -1 101 x '' 5%%; do echo a | expect_failure 64 "sample" stream-put s "--sample=$bad"; done
  echo a | expect_failure 64 "sample" stream-put s --sample-by key
  echo a | expect_failure 64 "record nor key" stream-put s --sample 5 --sample-by shard
  expect_no_records s
}

# --- rate --------------------------------------------------------------------------------------------------------------------

# 30 pieces of 50 ms, the first of which goes at once.
@test "--rate spreads records evenly" {
  new_stream s --shards 2
  seq 600 | expect_silence stream-put s --rate 400
  stream-get --json s | python3 -c '
import datetime, json, sys
times = sorted(datetime.datetime.fromisoformat(json.loads(line)["arrived"].replace("Z", "+00:00")).timestamp() for line in sys.stdin)
assert len(times) == 600
took = times[-1] - times[0]
assert took >= 1.4, took
for start in times:  # a slow commit may bring together what was apart, but not as much as this
    assert sum(start <= t < start + 0.5 for t in times) <= 400, start
assert len(set(times)) >= 5, len(set(times))'
}

@test "--rate leaves the input where it is, and a signal stores at once what was read" {
  new_stream s
  feed in
  start stream-put s --rate 1 in
  seq 1000 >&"$FEED"
  wait_until is_empty_pipe "$FEED"
  local written=1000
  # What is not read fills the pipe: a writer that does not block gets no further.
  written=$((written + $(python3 - "$FEED" <<'PYTHON'
import os, select, sys
fd = int(sys.argv[1])
os.set_blocking(fd, False)
lines = 0
while lines < 100000:
    try:
        os.write(fd, b"x" * 99 + b"\n")
        lines += 1
    except BlockingIOError:
        if not select.select([], [fd], [], 0.3)[1]: break
print(lines)
PYTHON
)))
  [ "$written" -lt 50000 ] || fail "$written records were taken"
  expect_end_by TERM
  [ "$(stream-get s | wc -l)" -ge 1000 ] || fail "only $(stream-get s | wc -l) records stored"
}

@test "a rate that is not valid is a usage error" {
  new_stream s
  local bad
  for bad in 0 -1 x 1.5 ''; do echo a | expect_failure 64 "rate" stream-put s "--rate=$bad"; done
  expect_no_records s
}

# --- progress ----------------------------------------------------------------------------------------------------------------

@test "long work shows how far it is on a terminal, and takes that away" {
  new_stream s
  seq 1300 >input
  on_terminal --stderr stream-put s --rate 1000 <input >"$STDOUT"
  grep -aEq $'\r[0-9,]+ records, .*records/s, .*B/s, [0-9]+ %' "$STDOUT" || fail "no progress: $(cat -v "$STDOUT")"
  # What is left on the line at the end is blank.
  python3 -c '
import sys
line = ""
for part in open(sys.argv[1], newline="").read().split("\r"): line = part + line[len(part):]
assert line.strip() == "", repr(line)' "$STDOUT"
}

@test "no progress with -q, for quick work, and where stderr is no terminal" {
  new_stream s
  seq 1300 >input
  on_terminal --stderr stream-put s -q --rate 1000 <input >"$STDOUT"
  expect_empty "$STDOUT"
  on_terminal --stderr stream-put s <input >"$STDOUT"
  expect_empty "$STDOUT"
  expect_silence stream-put s --rate 1000 input
}
