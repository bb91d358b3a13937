#!/usr/bin/env bats
# stream-put --record-start: a record begins at a line that matches.

load helpers

# The records as JSON texts, a line each.
records_of() {
  stream-get "$1" --format '{data:json}'
}

# A log with stack traces, $1 records of it; the first lines belong to one that began elsewhere.
write_log() {
  python3 - "$1" <<'PYTHON'
import json, random, sys
r = random.Random(5)
records = ["\tat the end of another\n\tCaused by"]
for n in range(int(sys.argv[1])):
    lines = ["2026-01-31 10:00:00 %d request" % n]
    for _ in range(r.choice([0, 0, 0, 1, 30])): lines.append(r.choice(["\tat com.example.Main(%d)" % n, "", "Caused by: x", " 2026-01-31 no start"]))
    records.append("\n".join(lines))
open("log", "w").write("\n".join(records) + "\n")
with open("expected", "w") as out:
    for record in records: out.write(json.dumps(record, separators=(",", ":")) + "\n")
PYTHON
}

@test "--record-start: a stack trace is one record, however the input comes" {
  write_log 2000
  new_stream s
  expect_silence stream-put s --record-start '^\d{4}-' log
  records_of s >got
  expect_same got expected
  new_stream t --shards 3
  python3 -c '
import sys
data = open("log", "rb").read()
while data:
    size = 1 + len(data) % 211
    sys.stdout.buffer.write(data[:size])
    sys.stdout.buffer.flush()
    data = data[size:]' | expect_silence stream-put t --record-start '^\d{4}-' --key-regex '(\d+) request' --missing-key none
  records_of t | sort >got
  expect_same got <(sort expected)
  # The end of a file ends a record, with and without a newline.
  new_stream u
  printf 'B 1\n x\n\n' >a
  printf 'B 2\n y' >b
  expect_silence stream-put u --record-start ^B a b a
  expect_equal "$(records_of u)" $'"B 1\\n x\\n"\n"B 2\\n y"\n"B 1\\n x\\n"'
}

@test "--record-start: an expression that matches nothing is told, and nothing is stored" {
  new_stream s
  printf 'a\nb\n' >input
  expect_failure 65 "line 1 of 'input': no line matches --record-start '\\^X'; no records committed" stream-put s --record-start ^X input
  expect_status 1 stream-put s --record-start ^X --on-error skip input
  expect_silence stream-put s --record-start ^X /dev/null
  expect_failure 64 "--record-start '\\(': .* at character" stream-put s --record-start '(' input
  expect_failure 64 "does not go with" stream-put s --record-start a -0 input
  expect_no_records s
  printf 'X\na\nX b\n' | expect_failure 65 "line 3 of .*: no partition key" stream-put s --record-start ^X --key-field 2 -F $'\n' --missing-key error
  expect_equal "$(records_of s)" '"X\na"'
}

@test "--record-start: a second of silence ends a record, and a signal does too" {
  new_stream s
  feed in
  start stream-put s --record-start ^B in
  printf 'B 1\n more\n' >&"$FEED"
  wait_until test_records s '"B 1\n more"'
  printf ' late\n' >&"$FEED"
  wait_until test_records s $'"B 1\\n more"\n" late"'
  printf 'B 2\n x\nB 3\n y\nunfinished' >&"$FEED"
  wait_until test_records s $'"B 1\\n more"\n" late"\n"B 2\\n x"' 3  # silence may have ended the next one too
  expect_end_by TERM
  expect_empty "$STDERR"
  expect_equal "$(records_of s | tail -n 1)" '"B 3\n y"'
}

# test_records STREAM EXPECTED [COUNT]: of the first COUNT records, or of all.
test_records() {
  [ "$(records_of "$1" | head -n "${3:--0}")" = "$2" ]
}

@test "--record-start with --producer: silence and signals end no record, and a rerun cuts alike" {
  new_stream s
  write_log 300
  feed in
  start stream-put s --producer p --record-start '^\d' in
  head -n 20 log >&"$FEED"
  wait_until has_records 1 s
  expect_end_by TERM
  exec {FEED}>&-
  expect_silence stream-put s --producer p --record-start '^\d' log
  expect_silence stream-put s --producer p --record-start '^\d' log
  records_of s >got
  expect_same got expected
}

@test "--record-start: a record that is too large is left out, whatever makes it so" {
  new_stream s --max-record-size 1KiB
  python3 -c '
def trace(head, size):
    text = head
    while len(text) < size: text += "\n" + "x" * min(99, size - len(text) - 1)
    return text
import sys
for record in [trace("B full", 1024), trace("B over", 1025), "B 1", "B long" + "y" * 5000, "B 2\n" + "z" * 300000 + "\n more", "B 3", "B 4\n x"]: print(record)' >input
  expect_status 1 stream-put s --record-start ^B --on-error skip --ack input
  expect_equal "$(stream-get s --format '{data:json}' | cut -c 1-7 | paste -sd ' ')" '"B full "B 1" "B 3" "B 4\n '
  expect_equal "$(cut -c 1 "$STDOUT" | paste -sd ' ')" "s - s - - s s"
  expect_equal "$(grep -oE '^stream-put: line [0-9]+' "$STDERR" | paste -sd ' ')" "$(grep -nE '^B (over|long|2)' input | sed 's/:.*//; s/^/stream-put: line /' | paste -sd ' ')"
  printf 'no start\n%2000d\n' 1 | expect_failure 65 "line 1 of .*maximum record size.*no line matches" stream-put s --record-start ^B
}
