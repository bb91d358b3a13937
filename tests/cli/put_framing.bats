#!/usr/bin/env bats
# stream-put: where a record ends. Each round trip is compared by another program than the one that stored it.

load helpers

# records_of STREAM: the data of each record in base64, in the order of the whole stream.
records_of() {
  stream-get --json "$1" | python3 -c '
import base64, json, sys
for line in sys.stdin:
    record = json.loads(line)
    data = record["data"].encode() if "data" in record else base64.b64decode(record["data_base64"])
    print(base64.b64encode(data).decode())'
}

# expect_pieces STREAM DELIMITER FILE...: the stream holds what Python's split makes of the files, a last empty piece not
# counted.
expect_pieces() {
  local stream=$1
  shift
  records_of "$stream" >got
  python3 - "$@" >expected <<'PYTHON'
import base64, sys
delimiter = eval("b'" + sys.argv[1] + "'")
for name in sys.argv[2:]:
    pieces = open(name, "rb").read().split(delimiter)
    for piece in pieces[:-1] + ([pieces[-1]] if pieces[-1] else []):
        print(base64.b64encode(piece).decode())
PYTHON
  expect_same got expected
}

@test "-0: a NUL byte ends a record, and a newline is data" {
  new_stream s
  printf 'a\0b\nc\n\0\0d' >input
  expect_silence stream-put s -0 input
  expect_pieces s '\0' input
  expect_silence stream-put s --null input
  expect_pieces s '\0' input input
  expect_equal "$(figures s .records)" 8
}

@test "names from find -print0 come back, with 1 and 16 shards" {
  mkdir files
  (cd files && touch -- $'new\nline' $'\xff\xfe' ' blank ' -dash "quote'\"" $'tab\tcr\r' é $'\\' $'\e[31m' && mkdir d && touch d/{1..200})
  local shards
  for shards in 1 16; do
    new_stream "s$shards" --shards "$shards"
    find files -print0 | tee names | expect_silence stream-put "s$shards" -0
    expect_pieces "s$shards" '\0' names
  done
}

@test "-d: any string ends a record" {
  local delimiter
  for delimiter in ',' '--' '\r\n' '\x00\x01' '\n\n' 'aab' '\\' 'é'; do
    rm -rf s
    new_stream s
    python3 - "$delimiter" >input <<'PYTHON'
import random, sys
delimiter = eval("'" + sys.argv[1] + "'").encode()
r = random.Random(7)
alphabet = [bytes([b]) for b in set(delimiter + b"a\n\0\r")]
for _ in range(2000):
    sys.stdout.buffer.write(b"".join(r.choice(alphabet) for _ in range(r.randrange(8))) + (delimiter if r.random() < 0.7 else b""))
PYTHON
    expect_silence stream-put s -d "$delimiter" input
    [ "$(figures s .records)" -gt 1000 ] || fail "few records"
    expect_pieces s "$(sed 's/é/\\xc3\\xa9/' <<<"$delimiter")" input
  done
}

@test "a delimiter that comes in two reads is one, with 1 and 16 shards" {
  local shards
  for shards in 1 16; do
    new_stream "s$shards" --shards "$shards"
    feed "in$shards"
    start stream-put "s$shards" -d '<=>' --linger 1h "in$shards"
    local part
    : >input
    for part in 'one<' '=' '>two<=' '>' '<=>' '<<=' '=<=' '>three<=' 'four<=>five<'; do
      printf %s "$part" >&"$FEED"
      printf %s "$part" >>input
      wait_until is_empty_pipe "$FEED"
    done
    exec {FEED}>&-
    expect_exit 0
    expect_pieces "s$shards" '<=>' input
  done
}

@test "delimiters across the chunks of a large input are all found" {
  local shards
  python3 -c '
import random, sys
r = random.Random(11)
out = sys.stdout.buffer
for size in [0, 1, 4194300, 5, 65535, 1 << 20, 3]:
    out.write(r.randbytes(size).replace(b"#", b"_") + b"##-")
for _ in range(60000):
    out.write(r.randbytes(r.randrange(200)).replace(b"#", b"_") + b"##-")' >input
  for shards in 1 16; do
    new_stream "s$shards" --shards "$shards" --max-record-size 5MiB
    expect_silence stream-put "s$shards" -d '##-' <input
    expect_pieces "s$shards" '##-' input
  done
}

@test "a delimiter that is not valid is a usage error" {
  new_stream s
  local bad
  for bad in '' '\q' '\x1' '\'; do echo a | expect_failure 64 "delimiter" stream-put s "--delimiter=$bad"; done
  expect_no_records s
}

@test "one framing only" {
  new_stream s
  local options
  for options in '-0 -d,' '--whole -0' '--json --frames' '--whole --json' '-d, --frames'; do
    # shellcheck disable=SC2086
    echo a | expect_failure 64 "does not go with" stream-put s $options
  done
  expect_no_records s
}

@test "the size of a record is bounded with every delimiter" {
  new_stream s --max-record-size 1KiB
  local size
  for size in 1024 1025; do
    python3 -c 'import sys; n = int(sys.argv[1]); sys.stdout.write("a<->" + "x" * n + "<->b<->")' "$size" >"$size"
  done
  expect_silence stream-put s -d '<->' 1024
  expect_failure 65 "record 2 of '1025'.*1024.*1 record committed" stream-put s -d '<->' 1025
  tr -d '<>' <1025 | tr - '\0' >nul
  expect_failure 65 "record 2 of 'nul'.*1024.*1 record committed" stream-put s -0 nul
  python3 -c 'print("x" * 1024 + "<-", end="")' | expect_failure 65 "record 1 of" stream-put s -d '<->'
  expect_equal "$(records_of s | wc -l)" 5
}

# What is read at once grows with long lines, and then holds more than a batch may.
@test "long lines before many others come back as they were" {
  new_stream s --max-record-size 10MiB
  python3 -c '
import sys
for size in [10, 9 << 20, 19 << 19, 10 << 20] + [1 << 20] * 10: sys.stdout.write("x" * (size - 1) + "\n")' >input
  expect_silence stream-put s input
  expect_records s input
}

# --- byte order marks ----------------------------------------------------------------------------------------------------------

@test "a UTF-8 mark at the start of a file is no part of its first record" {
  new_stream s
  printf '\xef\xbb\xbfa 1\n\xef\xbb\xbfb 2\n' >marked
  expect_silence stream-put s --key-field 1 marked marked
  expect_silence stream-put s marked - <marked
  stream-get s --format '{key}|{data}' >got
  { printf 'a|a 1\n\xef\xbb\xbfb|\xef\xbb\xbfb 2\n%.0s' 1 2; printf '|a 1\n|\xef\xbb\xbfb 2\n%.0s' 1 2; } >expected
  expect_same got expected
  new_stream t
  printf '\xef\xbb\xbf{"data":"d","key":"k"}\n' >json
  expect_silence stream-put t --json json
  expect_silence stream-put t --key-json /key json
  expect_equal "$(stream-get t --format '{key} {data}')" $'k d\nk {"data":"d","key":"k"}'
  # An input of a mark alone has no record; what only begins like a mark is data.
  new_stream u
  for bytes in '\xef\xbb\xbf' '\xef\xbb' '\xef' '\xff' '\xfe\n' '\xef\xbb\xbf\n'; do printf "$bytes" | expect_silence stream-put u; done
  records_of u >got
  printf '\xef\xbb|\xef|\xff|\xfe|' | python3 -c '
import base64, sys
for piece in sys.stdin.buffer.read().split(b"|"): print(base64.b64encode(piece).decode())' >expected
  expect_same got expected
}

@test "a UTF-8 mark is data where records are bytes" {
  printf '\xef\xbb\xbfa\nb\n' >marked
  new_stream d
  expect_silence stream-put d -d '\n' marked
  expect_records d marked
  new_stream w
  expect_silence stream-put w --whole marked
  expect_silence stream-put w -0 marked
  stream-get w -d '' >got
  cat marked marked >expected
  expect_same got expected
}

@test "a UTF-8 mark that comes byte by byte is one" {
  new_stream s
  feed in
  start stream-put s in
  local byte
  for byte in '\xef' '\xbb' '\xbf' 'a' '\n'; do
    printf "$byte" >&"$FEED"
    wait_until is_empty_pipe "$FEED"
  done
  exec {FEED}>&-
  expect_exit 0
  expect_data s a
}

# With -d, where a mark is data, an input is counted as it was before marks were taken off.
@test "an input with a mark that was stored before is still the same input" {
  local form
  printf '\xef\xbb\xbfa 1\nb 2\n' >first
  cat first first >grown
  for form in '' '--key-field 1' '--ack'; do
    rm -rf s
    new_stream s
    expect_silence stream-put s -d '\n' --producer p first
    # shellcheck disable=SC2086
    expect_success stream-put s --producer p $form first first
    # shellcheck disable=SC2086
    expect_success stream-put s --producer p $form first first
    expect_silence stream-put s -d '\n' --producer p grown
    expect_equal "$(figures s .records)" 4
  done
  sed 's/a/x/' first | expect_failure 65 "between its records 1 and 2" stream-put s --producer p
  # A mark before a record that is left out counts no more than the record.
  { printf '\xef\xbb\xbf'; head -c 2000 /dev/zero | tr '\0' x; printf '\na\n'; } >long
  rm -rf s
  new_stream s --max-record-size 1KiB
  expect_status 1 stream-put s -d '\n' --producer p --on-error skip long
  expect_silence stream-put s --producer p --on-error skip long
}

@test "UTF-16 and UTF-32 are refused with the command that mends them" {
  local encoding command
  printf 'a\nb\n' >plain
  for encoding in UTF-16 UTF-32; do
    rm -rf s
    new_stream s
    iconv -f UTF-8 -t "$encoding" plain >"in $encoding"
    expect_failure 65 "line 1 of 'in $encoding': .*iconv.*no records committed" stream-put s --on-error skip "in $encoding"
    command=$(grep -oE "iconv -f [^ ]+ -t UTF-8 '[^']*'" "$STDERR")
    bash -c "$command" | expect_silence stream-put s
    expect_records s plain
  done
  printf '\xfe\xff\0a' | expect_failure 65 "line 1 of 'standard input': .*iconv -f UTF-16 -t UTF-8 " stream-put s --json
  printf '\xff\xfe' | expect_failure 65 "iconv -f UTF-16" stream-put s
  printf '\xff\xfea\0' | expect_silence stream-put s -d '\n'
}

# --- whole files -------------------------------------------------------------------------------------------------------------

# SHARDLOG_WHOLE_MIB MiB of random bytes (10), a tenth in each file; 100 is the promise, and takes longer.
@test "--whole: files of random bytes come back, with 1 and 16 shards" {
  local n shards size=$((${SHARDLOG_WHOLE_MIB:-10} * 1048576 / 10))
  for n in {0..9}; do head -c "$size" /dev/urandom >"file$n"; done
  for shards in 1 16; do
    new_stream "s$shards" --shards "$shards" --max-record-size 10MiB
    expect_silence stream-put "s$shards" --whole file{0..9}
    python3 - "s$shards" <<'PYTHON'
import base64, json, subprocess, sys
lines = subprocess.run(["stream-get", "--json", sys.argv[1]], stdout=subprocess.PIPE, check=True).stdout.splitlines()
assert len(lines) == 10, len(lines)
for n, line in enumerate(lines):
    assert base64.b64decode(json.loads(line)["data_base64"], validate=True) == open(f"file{n}", "rb").read(), n
PYTHON
    expect_success stream-stats --verify "s$shards"
  done
}

@test "--whole: an empty file is a record, and so is standard input" {
  new_stream s
  : >empty
  printf 'a\nb\n' >file
  printf 'in\0\n' | expect_silence stream-put s --whole empty file -
  expect_equal "$(records_of s)" "$(echo; printf 'a\nb\n' | base64; printf 'in\0\n' | base64)"
  expect_equal "$(figures s .records)" 3
}

@test "--whole: exactly the maximum is taken, one over is not" {
  new_stream s --max-record-size 10MiB
  head -c 10485760 /dev/urandom >full
  { cat full; echo; } >over
  head -c 3 full >small
  expect_silence stream-put s --whole full full
  expect_failure 65 "'over'.*10485760.*1 record committed" stream-put s --whole small over small
  expect_failure 65 "'/dev/zero'.*10485760" timeout 20 stream-put s --whole /dev/zero
  expect_equal "$(records_of s | sha256sum)" "$({ base64 -w 0 full; echo; base64 -w 0 full; echo; base64 small; } | sha256sum)"
}

@test "--whole: a key from the file, over its first line" {
  new_stream s
  printf 'id=7\nbody\n' >a
  printf 'body\nid=8' >b
  expect_silence stream-put s --whole --key-regex 'id=(\d)' a b
  expect_equal "$(stream-get --json s | jq -r .key)" $'7\n8'
}

@test "--whole: many small files share commits" {
  new_stream s
  mkdir files
  (cd files && seq 3000 | split -l 1 -a 4)
  expect_success stream-put s --whole --ack files/*
  expect_equal "$(wc -l <"$STDOUT")" 3000
  expect_success stream-get s
  seq 3000 | awk '{ print; print "" }' >expected
  expect_same "$STDOUT" expected
  [ "$(stream-get --json s | jq -r .arrived | sort -u | wc -l)" -lt 3000 ] || fail "a commit for each file"
}
