#!/usr/bin/env bats
# stream-get: the forms in which records come out.

load helpers

here() {
  echo "$SHARDLOG_SOURCE/tests/cli/$1"
}

read_frames() {
  python3 "$(here read_frames.py)" "$@"
}

# Records of every size from 0 to 299, of every byte but the newline, with and without keys, in several commits.
various_stream() {
  python3 - >input <<'PYTHON'
import random, sys
r = random.Random(20)
alphabet = bytes(b for b in range(256) if b != 10)
for size in range(300):
    sys.stdout.buffer.write(bytes(r.choices(alphabet, k=size)) + b"\n")
PYTHON
  expect_silence stream-create s --shards "$1"
  head -n 150 input | expect_silence stream-put s
  tail -n 150 input | expect_silence stream-put s --key-regex '^[ -~]' --missing-key none
  stream-get s >input  # in the order in which it comes
  expect_equal "$(wc -l <input)" 300
}

# expect_lines_replaced DELIMITER OPTION...: what comes out is the input with this Python string for each newline.
expect_lines_replaced() {
  local delimiter=$1
  shift
  python3 -c '
import ast, sys
sys.stdout.buffer.write(open("input", "rb").read().replace(b"\n", ast.literal_eval(sys.argv[1])))' "$delimiter" >expected
  expect_success stream-get s "$@"
  expect_same "$STDOUT" expected
}

# --- delimiters ----------------------------------------------------------------------------------------------------------

@test "--format: {time:local} and {date} are the time of arrival where the user is" {
  expect_silence stream-create s
  local zone time seconds fraction
  put s a
  time=$(stream-get s --format '{time}')
  seconds=$(date -u -d "$time" +%s)
  fraction=${time#*.}
  fraction=${fraction%Z}
  for zone in UTC0 EST5 IST-5:30 NPT-5:45 XYZ-14 XYZ12; do
    expect_equal "$zone $(TZ=$zone stream-get s --format '{time:local} {date}')" \
      "$zone $(TZ=$zone date -d "@$seconds" "+%FT%T.$fraction%:z %F")"
    expect_equal "$(TZ=$zone stream-get s --from "$(TZ=$zone stream-get s --format '{date}')")" a
    expect_equal "$(stream-get s --from "$(TZ=$zone stream-get s --format '{time:local}')")" a
  done
}

@test "-0 and -d follow each record, whatever its bytes" {
  various_stream 4
  expect_lines_replaced 'b"\0"' -0
  expect_lines_replaced 'b"\0"' --null
  expect_lines_replaced 'b"\n"' -d '\n'
  expect_lines_replaced 'b","' -d,
  expect_lines_replaced 'b"<-->\r\n"' --delimiter '<-->\r\n'
  expect_lines_replaced 'b"\t\0\\\x7f\xff"' -d '\t\0\\\x7f\xFF'
  expect_lines_replaced 'b"\xc3\xa9"' --delimiter=é
  expect_lines_replaced 'b"-"' -d -
}

@test "an empty delimiter writes the data alone" {
  various_stream 1
  expect_lines_replaced 'b""' -d ''
  expect_lines_replaced 'b""' --delimiter=
}

@test "a delimiter follows the records that -n and -k let through" {
  stream-create s
  printf 'a 1\nb 2\na 3\nc 4\na 5\n' | stream-put s --key-field 1
  expect_equal "$(stream-get s -k a -d '; ')" 'a 1; a 3; a 5; '
  expect_equal "$(stream-get s -n 2 -d '; ')" 'a 1; b 2; '
  expect_equal "$(stream-get s -n 0 -d '; ')" ''
  expect_equal "$(stream-get s -k a -n 2)" $'a 1\na 3'
  expect_equal "$(stream-get s -0 -k a | tr '\0' '|')" 'a 1|a 3|a 5|'
}

@test "a delimiter with an escape that is not valid is a usage error" {
  stream-create s
  local bad
  for bad in '\' '\q' '\x' '\x1' '\xg0' 'a\'; do
    expect_failure 64 "delimiter.*escape" stream-get s -d "$bad"
  done
}

@test "the forms exclude one another" {
  stream-create s
  local first second
  local -A form=([null]=-0 [delimiter]=-d, [json]=--json [frames]=--frames [format]='--format={data}')
  for first in "${!form[@]}"; do
    expect_success stream-get s "${form[$first]}"
    for second in "${!form[@]}"; do
      [ "$first" = "$second" ] || expect_failure 64 "$first.*$second|$second.*$first" \
        stream-get s "${form[$first]}" "${form[$second]}"
    done
  done
}

# --- templates -----------------------------------------------------------------------------------------------------------

@test "a template's fields are what --json says" {
  various_stream 4
  stream-get s --json >json
  stream-get s --format '{shard} {sequence} {time} {hash} {key:json} {data:base64} {data:json}' >formatted
  python3 - <<'PYTHON'
import base64, hashlib, json
lines = open("formatted", "rb").read().split(b"\n")
assert lines.pop() == b""
records = [json.loads(line) for line in open("json")]
assert len(lines) == len(records) == 300
keyed = 0
for line, record in zip(lines, records):
    data = base64.b64decode(record["data_base64"]) if "data_base64" in record else record["data"].encode()
    hash_key = ""
    if record["key"] is not None:
        hash_key = str(int.from_bytes(hashlib.md5(record["key"].encode()).digest(), "big"))
        keyed += 1
    shard, sequence, time, found_hash, rest = line.split(b" ", 4)
    assert [f.decode() for f in (shard, sequence, time, found_hash)] == [record["shard"], record["sequence"], record["arrived"], hash_key]
    key, end = json.JSONDecoder().raw_decode(rest.decode())
    assert key == record["key"]
    found_data, found_json = rest.decode()[end + 1:].split(" ", 1)
    assert base64.b64decode(found_data, validate=True) == data
    if "data" in record:
        assert json.loads(found_json) == record["data"]
    else:  # no byte of a character is lost, and no broken one comes through
        assert json.loads(found_json).replace("\ufffd", "") == data.decode(errors="ignore"), data
assert 20 < keyed < 200, keyed
PYTHON
}

@test "data and keys in a template are exact" {
  various_stream 1
  expect_success stream-get s --format '{data}'
  expect_same "$STDOUT" input
  stream-get s --format '{key}' >keys
  stream-get s --json | jq -r '.key // ""' >expected
  expect_same keys expected
}

@test "braces and escapes of a template" {
  stream-create s
  put s x
  local -A made=(
    ['{data}']='x'
    ['{{data}}']='{data}'
    ['{{{data}}}']='{x}'
    ['}}{{']='}{'
    ['{{']='{'
    ['a {data}{data} b']='a xx b'
    ['{data}\t{sequence}\\{shard}']=$'x\t1\\shardId-000000000000'
    ['\x41\x7b\x7D\n{data}']=$'A{}\nx'
    ['é{data}🦊']='éx🦊'
    ['no field']='no field'
    ['[{key}{hash}]']='[]'
    ['{key:json}']='null'
  )
  local template
  for template in "${!made[@]}"; do
    expect_success stream-get -q s --format "$template"
    expect_stdout "${made[$template]}"
  done
  expect_success stream-get -q s --format ''
  expect_stdout ''
  stream-get s --format '{data}\0{data}' | od -An -c | tr -d ' \n' >"$STDOUT"
  expect_equal "$(cat "$STDOUT")" 'x\0x\n'
}

@test "a template that makes no sense is a usage error that names the fields" {
  stream-create s
  put s x
  local bad name
  for bad in '{}' '{bogus}' '{Data}' '{ data}' '{data:xml}' '{shard:json}' '{data' '{' '}' 'a}b' '{data}}' '{{data}' \
    '{a{b}}' '{data\n}' '{{{' '\' '\q' '{data}\x4'; do
    expect_failure 64 "--format" stream-get s --format "$bad"
    for name in data data:json data:base64 key key:json shard sequence time hash; do
      grep -qF "{$name}" "$STDERR" || fail "{$name} is not named: $(cat "$STDERR")"
    done
  done
  expect_failure 64 '\\x1b' stream-get s --format $'{\e[31m}'
}

# --- frames --------------------------------------------------------------------------------------------------------------

# expect_frames_as_json OPTION...: frames and objects of the same records say the same.
expect_frames_as_json() {
  expect_success stream-get s --json "$@"
  jq -cS . "$STDOUT" >expected
  expect_success stream-get s --frames "$@"
  read_frames <"$STDOUT" | jq -cS . >got
  expect_same got expected
  [ -s expected ]
}

@test "frames hold all that --json prints" {
  various_stream 4
  expect_frames_as_json
  expect_frames_as_json --shard 2
}

@test "a part of a batch is a frame for each run of its records" {
  various_stream 1
  local key
  key=$(stream-get s --json | jq -rs 'map(.key) | map(select(. != null)) | .[0]')
  expect_frames_as_json -n 1
  expect_frames_as_json -n 149
  expect_frames_as_json -n 200
  expect_frames_as_json "--key=$key"
  expect_frames_as_json --sample 40
  expect_equal "$(stream-get s --frames --sample 50 -n 3 | read_frames --frames | cut -d ' ' -f 2-)" $'2 1\n4 1\n6 1'
}

@test "a frame names the stream, and a whole batch is one" {
  stream-create s --compression none
  seq 1000 | stream-put s
  seq 10 | stream-put s -k k
  uuid=$(stream-stats s --json | jq -r .uuid)
  expect_equal "$(stream-get s --frames | read_frames --frames)" "$uuid 1 1000"$'\n'"$uuid 1001 10"
  expect_equal "$(stream-get s --frames -n 1005 | read_frames --frames)" "$uuid 1 1000"$'\n'"$uuid 1001 5"
}

@test "files of frames can be joined" {
  various_stream 2
  stream-get s --frames --shard 0 >one
  stream-get s --frames --shard 1 >two
  stream-get s --json --shard 0 >expected
  stream-get s --json --shard 1 >>expected
  cat one two | read_frames | jq -cS . >got
  expect_same got <(jq -cS . expected)
}

@test "an empty stream has no frames" {
  stream-create s
  expect_silence stream-get s --frames
}

# --- terminals -----------------------------------------------------------------------------------------------------------

# Every byte in data, and every character of one or two bytes up to U+00FF in a key.
loud_stream() {
  stream-create s
  python3 - >input <<'PYTHON'
import sys
for byte in range(256):
    if byte != 10:
        key = chr(byte).encode() if byte > 0 else b"zero"
        sys.stdout.buffer.write(b"<" + key + b">" + bytes([byte]) + b"\n")
PYTHON
  stream-put s --key-regex '^<(.[^>]*)>' input
  echo of a newline | stream-put s -k $'\n'
}

@test "no control character of data or key reaches a terminal" {
  loud_stream
  local form
  for form in lines -0 '-d,' --json '--format={key} {data}' '--format={key:json} {data:json} {data:base64}'; do
    if [ "$form" = lines ]; then on_terminal stream-get s >shown; else on_terminal stream-get s "$form" >shown; fi
    python3 - "$form" <<'PYTHON'
import sys
shown = open("shown", "rb").read()
if sys.argv[1] == "-0":  # those are our own
    assert shown.count(b"\0") == 256
    shown = shown.replace(b"\0", b"\n")
text = shown.decode()
assert not any(ord(c) < 0x20 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in text), text
assert "of a newline" in text or "b2YgYSBuZXdsaW5l" in text
assert text.count("\n") == (0 if sys.argv[1] == "-d," else 256), text.count("\n")
PYTHON
  done
}

@test "a pipe gets the exact bytes of data and key" {
  loud_stream
  echo of a newline >>input
  expect_success stream-get s
  expect_same "$STDOUT" input
  stream-get s --format '{key}' >keys
  python3 -c '
import sys
keys = [b"zero" if byte == 0 else chr(byte).encode() for byte in range(256) if byte != 10] + [b"\n"]
sys.stdout.buffer.write(b"".join(key + b"\n" for key in keys))' >expected
  expect_same keys expected
}

@test "a delimiter and a template's own text are printed as they are given, also on a terminal" {
  stream-create s
  put s a b
  on_terminal stream-get s -d '\t' >shown
  expect_same shown <(printf 'a\tb\t')
  on_terminal stream-get s --format '\x1b[1m{data}\x1b[0m' >shown
  expect_same shown <(printf '\e[1ma\e[0m\n\e[1mb\e[0m\n')
}

@test "frames are not for a terminal" {
  stream-create s
  put s a
  expect_failure 64 "--frames.*terminal" on_terminal stream-get s --frames
}
