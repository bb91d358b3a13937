#!/usr/bin/env bats
# stream-get: which records, in which order, in which form.

load helpers

# three_commits STREAM: two records each; when each arrived is left in ARRIVED.
three_commits() {
  new_stream "$1"
  put "$1" a1 a2
  put "$1" b1 b2
  put "$1" c1 c2
  mapfile -t ARRIVED < <(stream-get --json "$1" | jq -r .arrived | uniq)
  expect_equal "${#ARRIVED[@]}" 3
}

# expect_got TEXT OPTION...: of the stream s.
expect_got() {
  local text=$1
  shift
  expect_success stream-get "$@" s
  if [ -n "$text" ]; then expect_stdout "$text"; else expect_empty "$STDOUT"; fi
}

# --- order and count -----------------------------------------------------------------------------------------------------

@test "an empty stream gives nothing" {
  new_stream s
  expect_got ''
  expect_got '' --json
  expect_got '' -n 5
  expect_got '' --from @0 --until now
}

@test "records without keys come back in the order of one producer, whatever the shards" {
  seq 100000 >input
  local shards
  for shards in 1 16; do
    remove s
    new_stream s --shards "$shards"
    expect_silence stream-put s input
    expect_records s input
  done
}

@test "records without keys from one run after the other keep their order too" {
  new_stream s --shards 16
  local n
  for n in $(seq 40); do put s "$n"; done
  seq 40 >expected
  expect_records s expected
  [ "$(stream-get --json s | jq -r .shard | sort -u | wc -l)" -eq 16 ]
}

@test "sequence numbers of a shard grow by one" {
  new_stream s --shards 3
  seq 3000 | awk '{ print "k" $1 % 100 }' | stream-put s --key-field 1
  seq 500 | stream-put s
  stream-get --json s | jq -r '[.shard, .sequence] | @tsv' >got
  awk '{ if ($2 != ++last[$1]) { print "after", last[$1] - 1, "comes", $0; exit 1 } }' got
  expect_equal "$(wc -l <got)" 3500
}

@test "-n gives at most that many records" {
  new_stream s --shards 2
  seq 5000 | stream-put s
  seq 5001 10000 | stream-put s
  local n
  for n in 1 2 4999 5000 5001 9999 10000; do
    seq "$n" >expected
    expect_success stream-get -n "$n" s
    expect_same "$STDOUT" expected
  done
  expect_success stream-get --count 20000 s
  expect_equal "$(wc -l <"$STDOUT")" 10000
  expect_got '' -n 0
  expect_success stream-get -n 7 --json s
  expect_equal "$(wc -l <"$STDOUT")" 7
}

@test "a count that is not valid is a usage error" {
  new_stream s
  put s a
  local bad
  for bad in -1 x 1.5 '' 99999999999999999999999; do
    expect_failure 64 "count|no number" stream-get --count "$bad" s
    expect_failure 64 "count|no number" stream-get -n "$bad" s
  done
}

@test "reading ends at the tail as it was at the start" {
  new_stream s
  seq 3000000 >input
  expect_silence stream-put s input
  stream-get s | {
    read -r first
    put s late
    echo "$first"
    cat
  } >got
  expect_same got input
  expect_equal "$(stream-get s | tail -n 1)" late
}

# --- shards --------------------------------------------------------------------------------------------------------------

@test "--shard gives what is in that shard, and can be repeated" {
  new_stream s --shards 4
  seq 2000 | awk '{ print "key" $1 }' | stream-put s --key-field 1
  stream-get --json s >all
  local id
  for id in 0 1 2 3; do
    jq -r --arg id "shardId-00000000000$id" 'select(.shard == $id) | .data' all >expected
    [ -s expected ]
    expect_success stream-get --shard "$id" s
    expect_same "$STDOUT" expected
    expect_success stream-get --shard "shardId-00000000000$id" s
    expect_same "$STDOUT" expected
  done
  jq -r 'select(.shard | test("[13]$")) | .data' all >expected
  expect_success stream-get --shard 3 --shard shardId-000000000001 --shard 3 s
  expect_same "$STDOUT" expected
}

@test "a shard that does not exist is not found, and a text that is not a shard is a usage error" {
  new_stream s --shards 4
  put s a
  expect_failure 66 "'s'.*shardId-000000000004" stream-get --shard 4 s
  expect_failure 66 "shardId-000000000009" stream-get --shard 0 --shard shardId-000000000009 s
  local bad
  for bad in x -1 1.0 '' 0x1 shardId- shardId-x 99999999999999999999; do
    expect_failure 64 "shard" stream-get "--shard=$bad" s
  done
}

# --- times ---------------------------------------------------------------------------------------------------------------

@test "a time cuts exactly between two commits" {
  three_commits s
  expect_got $'a1\na2\nb1\nb2\nc1\nc2' --from "${ARRIVED[0]}"
  expect_got $'b1\nb2\nc1\nc2' --from "${ARRIVED[1]}"
  expect_got $'c1\nc2' --from "${ARRIVED[2]}"
  expect_got '' --until "${ARRIVED[0]}"
  expect_got $'a1\na2' --until "${ARRIVED[1]}"
  expect_got $'a1\na2\nb1\nb2' --until "${ARRIVED[2]}"
  expect_got $'b1\nb2' --from "${ARRIVED[1]}" --until "${ARRIVED[2]}"
  expect_got '' --from "${ARRIVED[1]}" --until "${ARRIVED[1]}"
  expect_got '' --from "${ARRIVED[2]}" --until "${ARRIVED[0]}"
}

# shifted TIME MICROSECONDS: as @EPOCH.
shifted() {
  python3 -c '
import datetime, sys
time = datetime.datetime.strptime(sys.argv[1], "%Y-%m-%dT%H:%M:%S.%f%z")
epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
microseconds = (time - epoch) // datetime.timedelta(microseconds=1) + int(sys.argv[2])
print("@%d.%06d" % divmod(microseconds, 1000000))' "$1" "$2"
}

@test "a microsecond makes the difference" {
  three_commits s
  expect_got $'b1\nb2\nc1\nc2' --from "$(shifted "${ARRIVED[1]}" 0)"
  expect_got $'c1\nc2' --from "$(shifted "${ARRIVED[1]}" 1)"
  expect_got $'b1\nb2\nc1\nc2' --from "$(shifted "${ARRIVED[1]}" -1)"
  expect_got $'a1\na2' --until "$(shifted "${ARRIVED[1]}" 0)"
  expect_got $'a1\na2\nb1\nb2' --until "$(shifted "${ARRIVED[1]}" 1)"
  # Digits beyond the microsecond change nothing.
  expect_got $'b1\nb2\nc1\nc2' --from "$(shifted "${ARRIVED[1]}" 0)999"
}

@test "a time has many spellings" {
  three_commits s
  local spelling
  # The same moment, told by Python with other zones.
  python3 - "${ARRIVED[1]}" >spellings <<'PYTHON'
import datetime, sys
time = datetime.datetime.strptime(sys.argv[1], "%Y-%m-%dT%H:%M:%S.%f%z")
print(time.isoformat())
print(time.strftime("%Y-%m-%dT%H:%M:%S.%fz"))
print(time.strftime("%Y-%m-%d %H:%M:%S.%fZ"))
print(time.strftime("%Y-%m-%dt%H:%M:%S.%fZ"))
for minutes in (330, -570, 720, -1, 14 * 60):
    print(time.astimezone(datetime.timezone(datetime.timedelta(minutes=minutes))).isoformat())
PYTHON
  while IFS= read -r spelling; do
    expect_got $'b1\nb2\nc1\nc2' --from "$spelling"
    expect_got $'a1\na2' --until "$spelling"
  done <spellings
  expect_equal "$(wc -l <spellings)" 9
}

@test "a time without a zone is local" {
  three_commits s
  local zone
  for zone in UTC0 CET-1CEST,M3.5.0,M10.5.0/3 EST5EDT,M3.2.0,M11.1.0 '<+0545>-5:45'; do
    TZ=$zone expect_got $'b1\nb2\nc1\nc2' --from "$(TZ=$zone date -d "${ARRIVED[1]}" +%Y-%m-%dT%H:%M:%S.%6N)"
    TZ=$zone expect_got $'a1\na2' --until "$(TZ=$zone date -d "${ARRIVED[1]}" '+%Y-%m-%d %H:%M:%S.%6N')"
    # Seconds are optional, and so is the time of day.
    TZ=$zone expect_got $'a1\na2\nb1\nb2\nc1\nc2' --from "$(TZ=$zone date -d "${ARRIVED[0]} 60 seconds ago" +%Y-%m-%dT%H:%M)"
    TZ=$zone expect_got '' --from "$(TZ=$zone date -d "${ARRIVED[2]} 60 seconds" +%Y-%m-%dT%H:%M)"
    TZ=$zone expect_got '' --from "$(TZ=$zone date -d "${ARRIVED[2]} 36 hours" +%Y-%m-%d)"
    TZ=$zone expect_got $'a1\na2\nb1\nb2\nc1\nc2' --from "$(TZ=$zone date -d "${ARRIVED[0]} 36 hours ago" +%Y-%m-%d)"
  done
}

@test "times long ago and far ahead are times" {
  three_commits s
  local all=$'a1\na2\nb1\nb2\nc1\nc2'
  expect_got "$all" --from @0
  expect_got "$all" --from @-1
  expect_got "$all" --from 1969-12-31T23:59:59Z
  expect_got "$all" --from 0001-01-01T00:00:00Z
  expect_got "$all" --until 9999-12-31T23:59:59Z
  expect_got "$all" --until @4102444800
  expect_got '' --from 9999-12-31T23:59:59Z
  expect_got "$all" --from trim-horizon --until now
  expect_got '' --from now
  expect_got "$all" --from -1h
  expect_got "$all" --from=-1w2d3h4m5s6ms7us
  expect_got '' --from +1h
  expect_got '' --until -1h
  expect_got "$all" --until +1h
  expect_got "$all" --until latest
  expect_got '' --until trim-horizon
}

@test "a relative time counts from now" {
  need_faketime
  at '2030-01-01 10:00:00' stream-create s
  echo ten | at '2030-01-01 10:00:00' stream-put s
  echo eleven | at '2030-01-01 11:00:00' stream-put s
  echo twelve | at '2030-01-01 12:00:00' stream-put s
  expect_equal "$(at '2030-01-01 12:30:00' stream-get --from -1h s)" twelve
  expect_equal "$(at '2030-01-01 12:30:00' stream-get --from -90m s)" $'eleven\ntwelve'
  expect_equal "$(at '2030-01-01 12:30:00' stream-get --from -1h30m1s s)" $'eleven\ntwelve'
  expect_equal "$(at '2030-01-01 12:30:00' stream-get --from -1h29m59s s)" twelve
  expect_equal "$(at '2030-01-01 12:30:00' stream-get --from -2h --until -45m s)" eleven
  expect_equal "$(at '2030-01-01 12:30:00' stream-get --from -0.1d s)" $'eleven\ntwelve'
  expect_equal "$(at '2030-01-01 11:30:00' stream-get --from +10m s)" twelve
  expect_equal "$(stream-get --from 2030-01-01T11:00Z --until 2030-01-01T12:00:00Z s)" eleven
}

@test "the time of arrival never goes back, even when the clock does" {
  need_faketime
  stream-create s
  echo ten | at '2030-01-01 10:00:00' stream-put -q s
  echo nine | at '2030-01-01 09:00:00' stream-put -q s
  expect_data s $'ten\nnine'
  stream-get --json s | jq -r .arrived >arrived
  sort -c arrived
  expect_equal "$(cut -c 1-14 arrived | sort -u)" 2030-01-01T10:
}

@test "a position that is not valid is a usage error" {
  new_stream s
  put s a
  local bad
  for bad in yesteday '' @ @x @1e3 @1. -5 - + 10 -10x 2026 2026-1-1 2026-13-01 2026-02-29 2026-02-30T00:00Z 2026-01-01T24:00Z \
    2026-01-01T00:60Z 2026-01-01T00:00:61Z 2026-01-01T00:00:00.Z 2026-01-01T00:00+25:00 2026-01-01T00:00+010 \
    '2026-01-01T00:00Z ' ' 2026-01-01' latest: Latest trim_horizon @99999999999999999999; do
    expect_failure 64 "--from" stream-get --from "$bad" s
    expect_failure 64 "--until" stream-get --until "$bad" s
  done
  expect_failure 64 '\\x1b\[31m\\x0a' stream-get --from $'\e[31m\n' s
}

@test "--from latest without --follow is a usage error" {
  new_stream s
  expect_failure 64 "latest.*--follow" stream-get --from latest s
}

@test "--from and --until work with --shard and -n" {
  new_stream s --shards 2
  seq -f 'a%.0f' 100 | stream-put s --key-field 1
  seq -f 'b%.0f' 100 | stream-put s --key-field 1
  seq -f 'c%.0f' 100 | stream-put s --key-field 1
  stream-get --json s >all
  mapfile -t ARRIVED < <(jq -r .arrived all | uniq)
  jq -r --arg t "${ARRIVED[1]}" 'select(.arrived == $t and .shard == "shardId-000000000001") | .data' all >expected
  [ "$(wc -l <expected)" -gt 10 ]
  expect_success stream-get --shard 1 --from "${ARRIVED[1]}" --until "${ARRIVED[2]}" s
  expect_same "$STDOUT" expected
  expect_success stream-get --shard 1 --from "${ARRIVED[1]}" --until "${ARRIVED[2]}" -n 10 s
  head -n 10 expected >ten
  expect_same "$STDOUT" ten
}

@test "a time is found in a stream of many commits" {
  new_stream s
  feed in
  start stream-put --ack s in
  local n
  for n in $(seq 1500); do echo "$n" >&"$FEED"; done
  wait_until has_lines 1500 "$OUTPUT"
  stream-get --json s >all
  [ "$(jq -r .arrived all | uniq | wc -l)" -gt 20 ]
  jq -r .arrived all | uniq | shuf -n 10 --random-source=<(yes) >moments
  local time
  while IFS= read -r time; do
    jq -r --arg t "$time" 'select(.arrived >= $t) | .data' all >expected
    stream-get --from "$time" s >got
    expect_same got expected
    jq -r --arg t "$time" 'select(.arrived < $t) | .data' all >expected
    stream-get --until "$time" s >got
    expect_same got expected
  done <moments
}

# --- JSON ----------------------------------------------------------------------------------------------------------------

@test "--json prints one object per line, as Python and jq read it" {
  new_stream s --shards 2
  printf 'k1 plain\né🦊 non-ASCII\n"q\\ \tquote "and" \\ back\n' | stream-put s --key-field 1
  printf 'no key\n\n' | stream-put s
  expect_success stream-get --json s
  expect_equal "$(wc -l <"$STDOUT")" 5
  jq -e . "$STDOUT" >/dev/null
  python3 - "$STDOUT" <<'PYTHON'
import json, re, sys
records = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8", newline="\n")]
for record in records:
    assert list(record) == ["shard", "sequence", "key", "arrived", "data"], record
    assert re.fullmatch(r"shardId-\d{12}", record["shard"]), record
    assert re.fullmatch(r"[1-9]\d*", record["sequence"]), record
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["arrived"]), record
expected = {("k1", "k1 plain"), ("é🦊", "é🦊 non-ASCII"), ('"q\\', '"q\\ \tquote "and" \\ back'), (None, "no key"), (None, "")}
assert {(r["key"], r["data"]) for r in records} == expected, records
PYTHON
}

@test "every character survives JSON, and what is not text becomes base64" {
  new_stream s
  python3 - >input <<'PYTHON'
import sys
out = sys.stdout.buffer
for code in [*range(0x00, 0x0a), *range(0x0b, 0x300), 0x7ff, 0x800, 0x2028, 0x2029, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x10ffff]:
    out.write(b"<" + chr(code).encode() + b">\n")
for byte in range(0x80, 0x100):
    out.write(bytes([byte]) + b"\n")
for bad in (b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ok\xff", b"\xc3", b"a\xe2\x82", b"\xf8\x88\x80\x80\x80"):
    out.write(bad + b"\n")
out.write(bytes(b for b in range(256) if b != 10) * 41 + b"\n")
PYTHON
  stream-put s input
  expect_success stream-get --json s
  jq -e . "$STDOUT" >/dev/null
  python3 - "$STDOUT" input <<'PYTHON'
import base64, json, sys
lines = open(sys.argv[1], "rb").read().split(b"\n")
assert lines.pop() == b""
inputs = open(sys.argv[2], "rb").read().split(b"\n")
assert inputs.pop() == b""
assert len(lines) == len(inputs)
for line, data in zip(lines, inputs):
    record = json.loads(line)
    assert not any(byte < 0x20 or byte == 0x7f for byte in line), line
    try:
        text = data.decode()
    except UnicodeDecodeError:
        assert "data" not in record, line
        assert base64.b64decode(record["data_base64"], validate=True) == data, line
    else:
        assert record["data"] == text and "data_base64" not in record, line
PYTHON
}

@test "JSON of random binary records is what was put" {
  new_stream s
  local seed=$RANDOM
  echo "seed $seed"
  python3 - "$seed" >input <<'PYTHON'
import random, sys
r = random.Random(int(sys.argv[1]))
for _ in range(5000):
    sys.stdout.buffer.write(r.randbytes(r.randrange(40)).replace(b"\n", b"") + b"\n")
PYTHON
  stream-put s input
  stream-get --json s | python3 -c '
import base64, json, sys
for line in sys.stdin:
    record = json.loads(line)
    data = base64.b64decode(record["data_base64"]) if "data_base64" in record else record["data"].encode()
    sys.stdout.buffer.write(data + b"\n")' >got
  expect_same got input
}

@test "the time of arrival in JSON is when it was put" {
  new_stream s
  local before after
  before=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
  put s a
  after=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
  local arrived
  arrived=$(stream-get --json s | jq -r .arrived)
  printf '%s\n' "$before" "$arrived" "$after" | sort -c
}

# --- the rest ------------------------------------------------------------------------------------------------------------

@test "reading twice gives the same" {
  new_stream s --shards 8
  seq 10000 | stream-put s --key-field 1
  stream-get --json s >one
  stream-get --json s >two
  expect_same one two
  expect_equal "$(wc -l <one)" 10000
}

@test "reading changes nothing" {
  new_stream s
  seq 1000 | stream-put s
  local before after
  before=$(sha256sum s/stream.db s/stream.db-wal s/lock && stat -c '%n %y' s/lock)
  expect_success stream-get s
  expect_success stream-stats s
  after=$(sha256sum s/stream.db s/stream.db-wal s/lock && stat -c '%n %y' s/lock)
  expect_equal "$after" "$before"
}

@test "arguments that are not valid are usage errors" {
  new_stream s
  expect_failure 64 "STREAM" stream-get
  expect_failure 64 "'?t'?" stream-get s t
  expect_failure 64 "bogus" stream-get --bogus s
  expect_failure 64 "follow" stream-get --idle-exit 1s s
  expect_failure 64 "follow" stream-get --poll 1s s
  expect_failure 64 "duration" stream-get --follow --idle-exit 5 s
}
