#!/usr/bin/env bats
# stream-put: what becomes a record, which key it gets, and what is said about it.

load helpers

# keys_of STREAM: a line for each record, in the order they were put; JSON, so that nothing is ambiguous.
keys_of() {
  stream-get --json "$1" | jq -c .key
}

# expect_keys STREAM KEY...: as JSON.
expect_keys() {
  local stream=$1
  shift
  expect_equal "$(keys_of "$stream")" "$(printf '%s\n' "$@")"
}

# repeat CHARACTER N
repeat() {
  printf "%0$2d" 0 | sed "s/0/$1/g"
}

# --- lines -----------------------------------------------------------------------------------------------------------------

@test "a line is a record" {
  new_stream s
  printf 'one\ntwo\nthree\n' | expect_silence stream-put s
  expect_data s $'one\ntwo\nthree'
  expect_equal "$(figures s .records)" 3
}

@test "an empty line is a record" {
  new_stream s
  printf '\n\none\n\n' >input
  expect_silence stream-put s <input
  expect_records s input
  expect_equal "$(figures s .records)" 4
}

@test "a carriage return is data" {
  new_stream s
  printf 'one\r\n\r\ntw\ro\n\r' >input
  expect_silence stream-put s <input
  echo >>input
  expect_records s input
}

@test "every byte but the newline is data" {
  new_stream s
  python3 -c '
import os, sys
every = bytes(b for b in range(256) if b != 10)
sys.stdout.buffer.write(every + b"\n" + os.urandom(1 << 20).replace(b"\n", b"") + b"\n" + every * 3 + b"\n")' >input
  expect_silence stream-put s <input
  expect_records s input
}

@test "a last line without a newline is a record" {
  new_stream s
  printf 'one\ntwo' | expect_silence stream-put s
  expect_data s $'one\ntwo'
}

@test "empty input is not a record" {
  new_stream s
  expect_silence stream-put s </dev/null
  : >empty
  expect_silence stream-put s empty empty
  expect_no_records s
}

@test "more than a batch comes back as it was" {
  new_stream s --shards 3
  seq 300000 >input
  expect_silence stream-put s <input
  expect_records s input
  expect_success stream-stats --verify s
}

@test "lines of random lengths come back as they were" {
  new_stream s --shards 4
  local seed=$RANDOM
  echo "seed $seed"
  python3 - "$seed" >input <<'PYTHON'
import random, sys
r = random.Random(int(sys.argv[1]))
sizes = [0, 1, 2, 63, 64, 65, 4095, 4096, 65535, 65536, 1 << 20]
for _ in range(600):
    size = r.choice(sizes[:7]) if r.random() < 0.98 else r.choice(sizes)
    sys.stdout.buffer.write(r.randbytes(size).replace(b"\n", b"x") + b"\n")
PYTHON
  expect_silence stream-put s <input
  expect_records s input
}

# --- files -----------------------------------------------------------------------------------------------------------------

@test "files are read in turn, and '-' is standard input" {
  new_stream s
  printf 'a1\na2\n' >a
  printf 'b1\n' >b
  echo in | expect_silence stream-put s b - a b
  expect_data s $'b1\nin\na1\na2\nb1'
}

@test "the end of a file ends a record" {
  new_stream s
  printf 'a1\na2' >a
  printf 'b1' >b
  : >empty
  expect_silence stream-put s a empty b
  expect_data s $'a1\na2\nb1'
}

@test "standard input is not read where files are given" {
  new_stream s
  echo a >a
  { stream-put s a; cat; } <<<"for cat" >out
  expect_equal "$(cat out)" "for cat"
  expect_data s a
}

@test "standard input can be named once more and is at its end" {
  new_stream s
  echo in | expect_silence stream-put s - -
  expect_data s in
}

@test "a file whose name begins with a dash is given behind --" {
  new_stream s
  echo dash >-x
  expect_silence stream-put s -- -x
  expect_silence stream-put s ./-x
  expect_data s $'dash\ndash'
}

@test "a file that is missing fails after what came before it was stored" {
  new_stream s
  printf 'a1\na2\n' >a
  expect_failure 66 "'missing'.*; 2 records committed, the last is 2 of shardId-000000000000" stream-put s a missing a
  expect_data s $'a1\na2'
  expect_failure 66 "'missing'.*; no records committed" stream-put s missing a
  expect_data s $'a1\na2'
}

@test "a file that may not be read is a question of permission" {
  enter_public_directory
  echo a >a
  chmod 0000 a
  need_root "to be two users"
  new_stream s
  chmod 0777 s
  chmod 0666 s/*
  expect_failure 77 "'a'.*[Pp]ermission.*no records committed" as_nobody stream-put s a
  expect_no_records s
}

@test "a directory as a file is an error" {
  new_stream s
  mkdir d
  echo a >a
  expect_failure 74 "'d'.*[Dd]irectory.*1 record committed" stream-put s a d a
  expect_data s a
}

@test "the name of a file is escaped in messages" {
  new_stream s
  expect_failure 66 'x\\x1b\[31m\\x0ay' stream-put s $'x\e[31m\ny'
}

@test "a stream that cannot be opened leaves the input alone" {
  { stream-put missing 2>/dev/null || cat; } <<<"for cat" >out
  expect_equal "$(cat out)" "for cat"
}

# --- sizes -----------------------------------------------------------------------------------------------------------------

@test "a record of exactly the maximum is taken, one over is not" {
  new_stream s --max-record-size 1KiB
  repeat x 1024 >full
  repeat x 1025 >over
  expect_silence stream-put s full
  { cat full; echo; } >expected
  expect_failure 65 "line 1 of 'over'.*1024.*no records committed" stream-put s over
  { echo; cat over; echo; } >third
  expect_failure 65 "line 2 of 'third'.*1024.*1 record committed, the last is 2 of shardId-000000000000" stream-put s third
  echo >>expected
  expect_records s expected
}

@test "the maximum is that of the stream: 1 MiB when nothing else is said, 10 MiB at most" {
  new_stream one
  head -c 1048576 /dev/zero | expect_silence stream-put one
  head -c 1048577 /dev/zero | expect_failure 65 "line 1 of 'standard input'.*1048576" stream-put one
  expect_equal "$(stream-get one | wc -c)" 1048577
  new_stream ten --max-record-size 10MiB
  head -c 10485760 /dev/urandom | tr '\n' x >full
  expect_silence stream-put ten full full
  { cat full; echo; cat full; echo; } >expected
  expect_records ten expected
  { cat full; echo y; } | expect_failure 65 "line 1 of 'standard input'.*10485760.*no records" stream-put ten
}

@test "the key counts to the size, in bytes" {
  new_stream s --max-record-size 1KiB
  repeat x 1021 | expect_silence stream-put s -k abc
  repeat x 1022 | expect_failure 65 "line 1 of .*1025.*1024" stream-put s -k abc
  repeat x 1022 | expect_silence stream-put s -k é
  repeat x 1023 | expect_failure 65 "line 1 of .*1025.*1024" stream-put s -k é
  expect_equal "$(stream-get s | awk '{ print length($0) }')" $'1021\n1022'
}

@test "what came before a line that is too long is stored, what comes after is not" {
  new_stream s --max-record-size 1KiB
  { seq 50000; repeat x 2000; echo; seq 10; } >input
  seq 50000 >expected
  expect_failure 65 "line 50001 of 'input'.*50000 records committed, the last is 50000 of shardId-000000000000" stream-put s input
  expect_records s expected
}

@test "the number of a line starts again with each file" {
  new_stream s --max-record-size 1KiB
  seq 7 >a
  { seq 3; repeat x 1025; echo; } >b
  expect_failure 65 "line 4 of 'b'.*10 records committed" stream-put s a b
  { seq 7; seq 3; } >expected
  expect_records s expected
}

@test "a line without end is refused without being read" {
  new_stream s
  expect_failure 65 "line 1 of 'standard input'.*no records committed" timeout 20 stream-put s </dev/zero
  expect_no_records s
}

# --- keys ------------------------------------------------------------------------------------------------------------------

@test "--key is the key of every record" {
  new_stream s
  printf 'a\n\nb\n' | expect_silence stream-put s --key 'the key'
  expect_keys s '"the key"' '"the key"' '"the key"'
  echo c | expect_silence stream-put s -k k
  expect_equal "$(keys_of s | tail -n 1)" '"k"'
}

@test "without a key option there is no key" {
  new_stream s
  echo a | expect_silence stream-put s
  expect_keys s null
}

@test "--key-field takes the field as awk does" {
  new_stream s
  printf 'a b c\n  a\t b  c  \na b\n' | expect_silence stream-put s --key-field 2
  expect_keys s '"b"' '"b"' '"b"'
}

# expect_awk_keys FIELD SEPARATOR_FOR_AWK [put options]: on the lines of the file input.
expect_awk_keys() {
  local field=$1 separator=$2
  shift 2
  remove s
  expect_silence stream-create s || return
  expect_silence stream-put s --key-field "$field" --missing-key none "$@" <input || return
  LC_ALL=C awk -F "$separator" -v n="$field" '{ print (n <= NF ? $n : "") }' input >expected
  stream-get --json s | jq -r '.key // ""' >got
  expect_same got expected
}

@test "fields of random lines are those of awk" {
  local seed=$RANDOM field
  echo "seed $seed"
  python3 - "$seed" >input <<'PYTHON'
import random, sys
r = random.Random(int(sys.argv[1]))
for _ in range(600):
    print("".join(r.choice(["a", "b", "Z", "9", "é", ",", ";", ":", ":", " ", " ", "\t", "\t"]) for _ in range(r.randrange(20))))
PYTHON
  for field in 1 2 3 7; do
    expect_awk_keys "$field" ' '
    expect_awk_keys "$field" , -F ,
    expect_awk_keys "$field" '\t' -F '\t'
    expect_awk_keys "$field" '\t' --field-separator=$'\t'
    expect_awk_keys "$field" '::' -F ::
    expect_awk_keys "$field" 'é' -F é
    expect_awk_keys "$field" '[;]' -F ';'
    expect_awk_keys "$field" '[ ]' -F '\x20'
  done
}

@test "a separator is a string and no expression" {
  new_stream s
  printf 'a.b|c.+d\n' | expect_silence stream-put s --key-field 2 -F '.+'
  printf 'a.b|c\n' | expect_silence stream-put s --key-field 2 -F '|'
  printf 'a.b|c\n' | expect_silence stream-put s --key-field 2 -F .
  printf 'a\\b\n' | expect_silence stream-put s --key-field 2 -F '\\'
  expect_keys s '"d"' '"c"' '"b|c"' '"b"'
}

@test "a separator that is not valid is a usage error" {
  new_stream s
  echo a | expect_failure 64 "separator" stream-put s --key-field 1 -F ''
  echo a | expect_failure 64 "separator|\\\\q" stream-put s --key-field 1 -F '\q'
  echo a | expect_failure 64 "key-field" stream-put s -F ,
  expect_no_records s
}

@test "the number of a field is 1 or more" {
  new_stream s
  local n
  for n in 0 -1 x 1.5 '' 99999999999; do echo a | expect_failure 64 "key-field|no number" stream-put s --key-field "$n"; done
  expect_no_records s
}

@test "--key-regex takes group 1, or else the whole match" {
  new_stream s
  printf 'user=7 item=abc\n' >line
  expect_silence stream-put s --key-regex 'user=(\d+)' line
  expect_silence stream-put s --key-regex 'item=\w+' line
  expect_silence stream-put s --key-regex 'user=(\d+) item=(\w+)' line
  expect_silence stream-put s --key-regex '(?:user)=(\d+)' line
  expect_silence stream-put s --key-regex '(?<=item=)a' line
  expect_keys s '"7"' '"item=abc"' '"7"' '"7"' '"a"'
}

@test "an expression that does not match leaves a record without key" {
  new_stream s
  printf 'user=7\nnobody\nuser=\n' >input
  expect_silence stream-put s --key-regex 'user=(\d+)' --missing-key none input
  expect_keys s '"7"' null null
  # Group 1 took no part, or matched nothing.
  printf 'b\nab\n' | expect_silence stream-put s --key-regex '(a)?b' --missing-key other
  printf 'x\n' | expect_silence stream-put s --key-regex '(a*)x' --missing-key other
  expect_keys s '"7"' null null '"other"' '"a"' '"other"'
}

@test "an expression sees the whole line and no more" {
  new_stream s
  printf 'one\ntwo\r\n' >input
  expect_silence stream-put s --key-regex '^.*$' input
  expect_keys s '"one"' '"two\r"'
}

@test "an expression that is not valid is a usage error that says where" {
  new_stream s
  echo a | expect_failure 64 "--key-regex '\(a'.* 2" stream-put s --key-regex '(a'
  echo a | expect_failure 64 '\\x1b' stream-put s --key-regex $'(\e[31m'
  expect_no_records s
}

@test "an expression that takes for ever is an error and no hang" {
  new_stream s
  { repeat a 5000; echo X; } | expect_failure 65 "line 1.*--key-regex" timeout 30 stream-put s --key-regex '^(a+)+$'
  expect_no_records s
}

@test "a key has up to 256 characters, whatever their bytes" {
  new_stream s
  local character
  for character in x é € 🦊; do
    repeat "$character" 256 >key
    expect_silence stream-put s --key-field 1 key
    repeat "$character" 257 >key
    expect_failure 65 "line 1 of 'key'.*257 characters.*256.*no records committed" stream-put s --key-field 1 key
  done
  expect_equal "$(stream-get --json s | jq '.key | length')" $'256\n256\n256\n256'
}

@test "a key that is not valid UTF-8 is refused, and what came before it stored" {
  new_stream s
  local bad
  for bad in '\xff' '\xc3' '\xe9t\xe9' '\xc0\x80' '\xed\xa0\x80' '\xf4\x90\x80\x80'; do
    remove s
    expect_silence stream-create s
    printf "good 1\n$bad 2\nlate 3\n" | expect_failure 65 "line 2 of .*UTF-8.*1 record committed" stream-put s --key-field 1
    expect_keys s '"good"'
  done
}

@test "an empty or bad key on the command line is a usage error" {
  new_stream s
  expect_failure 64 "key.*empty" stream-put s --key '' <<<a
  expect_failure 64 "UTF-8" stream-put s --key $'\xff' <<<a
  expect_failure 64 "257 characters" stream-put s --key "$(repeat x 257)" <<<a
  expect_failure 64 "key.*empty" stream-put s --key-field 2 --missing-key '' <<<a
  expect_no_records s
}

@test "an option with an empty value behind = does not take the next argument" {
  new_stream s
  new_stream t
  echo file >file
  expect_status 64 stream-put --key= s file
  expect_status 64 stream-put --key= s t </dev/null
  expect_status 64 stream-put --missing-key= --key-field=1 s file
  expect_no_records s
  expect_no_records t
}

@test "a record without the key is an error, unless --missing-key says otherwise" {
  new_stream s
  printf 'a 1\nb\nc 3\n' >input
  expect_failure 65 "line 2 of 'input'.*key.*--missing-key.*1 record committed" stream-put s --key-field 2 input
  expect_failure 65 "line 2 of 'input'" stream-put s --key-field 2 --missing-key error input
  expect_keys s '"1"' '"1"'
  expect_silence stream-put s --key-field 2 --missing-key none input
  expect_keys s '"1"' '"1"' '"1"' null '"3"'
  expect_silence stream-put s --key-field 2 --missing-key 'some other' input
  expect_equal "$(keys_of s | tail -n 3)" $'"1"\n"some other"\n"3"'
}

@test "an empty field is a missing key" {
  new_stream s
  printf 'a,,c\n,\n\n' >input
  expect_silence stream-put s --key-field 2 -F , --missing-key none input
  expect_keys s null null null
  expect_failure 65 "line 1 of 'input'.*key" stream-put s --key-field 2 -F , input
}

@test "a key for all records and one from the data exclude each other" {
  new_stream s
  expect_failure 64 "key" stream-put s --key a --key-field 1 <<<a
  expect_failure 64 "key" stream-put s --key a --key-regex a <<<a
  expect_no_records s
}

@test "the records of a key keep their order, with many shards too" {
  new_stream s --shards 16
  seq 50000 | awk '{ print "key" $1 % 97, $1 }' >input
  expect_silence stream-put s --key-field 1 input
  expect_success stream-get s
  sort -s -k 1,1 "$STDOUT" >got
  sort -s -k 1,1 input >expected
  expect_same got expected
}

@test "keyless records among keyed ones are all stored" {
  new_stream s --shards 5
  seq 20000 | awk '$1 % 3 { print $1, "k" $1; next } { print $1 }' >input
  expect_silence stream-put s --key-field 2 --missing-key none input
  expect_success stream-get s
  sort "$STDOUT" >got
  sort input >expected
  expect_same got expected
  expect_equal "$(stream-get --json s | jq -s 'map(select(.key == null)) | length')" 6666
}

# --- acknowledgements --------------------------------------------------------------------------------------------------------

@test "--ack says where each record is, in the order of the input" {
  new_stream s --shards 7
  seq 5000 | awk '{ print "k" $1 % 50, $1 }' >input
  expect_success stream-put --ack --key-field 1 s input
  stream-get --json s | jq -r '[.shard, .sequence, .data] | @tsv' | sort >stored
  paste "$STDOUT" input | sort >acknowledged
  expect_same acknowledged stored
  expect_equal "$(wc -l <acknowledged)" 5000
}

@test "--ack without keys gives sequence numbers without gaps" {
  new_stream s
  expect_success stream-put --ack s < <(seq 3)
  expect_stdout $'shardId-000000000000\t1\nshardId-000000000000\t2\nshardId-000000000000\t3'
  expect_success stream-put --ack s < <(seq 2)
  expect_stdout $'shardId-000000000000\t4\nshardId-000000000000\t5'
  expect_silence stream-put --ack s </dev/null
}

@test "a record is acknowledged when it can be read, while the input is still open" {
  new_stream s
  feed in
  start stream-put --ack s in
  local n
  for n in 1 2 3 4 5; do
    echo "record $n" >&"$FEED"
    wait_until has_lines "$n" "$OUTPUT"
    expect_equal "$(stream-get s | wc -l)" "$n"
  done
  expect_end_by TERM
  expect_equal "$(wc -l <"$STDOUT")" 5
}

@test "what was acknowledged survives the end of the program by KILL" {
  new_stream s
  local round
  for round in 1 2 3; do
    feed "in$round"
    start stream-put --ack s "in$round"
    seq 2000 >&"$FEED"
    wait_until has_lines 1 "$OUTPUT"
    expect_end_by KILL
    exec {FEED}>&-
    cut -f 2 "$STDOUT" | sort >acknowledged
    stream-get --json s | jq -r .sequence | sort >stored
    expect_equal "$(comm -23 acknowledged stored)" ""
  done
  expect_success stream-stats --verify s
}

@test "--ack tells of records before a bad line only" {
  new_stream s --shards 4
  printf 'a 1\nb 2\nc\nd 4\n' >input
  expect_status 65 stream-put --ack --key-field 2 s input
  expect_equal "$(wc -l <"$STDOUT")" 2
  expect_stderr_line "line 3 of 'input'.*2 records committed"
  stream-get --json s | jq -r '[.shard, .sequence] | @tsv' | sort >stored
  sort "$STDOUT" >acknowledged
  expect_same acknowledged stored
}

@test "--verbose says how much was committed, on stderr" {
  new_stream s
  printf 'a\nb\n' | expect_status 0 stream-put -v s
  expect_empty "$STDOUT"
  expect_stderr_line "2 records committed, the last is 2 of shardId-000000000000"
}

# --- delivery ----------------------------------------------------------------------------------------------------------------

@test "--sync takes full and normal" {
  new_stream s
  echo a | expect_silence stream-put --sync normal s
  echo b | expect_silence stream-put --sync full s
  expect_data s $'a\nb'
  local other
  for other in off '' 0 1; do echo c | expect_failure 64 "sync|normal" stream-put --sync "$other" s; done
  expect_data s $'a\nb'
}

@test "lines that come one by one are stored one by one" {
  new_stream s
  feed in
  start stream-put s in
  local n
  for n in 1 2 3; do
    echo "$n" >&"$FEED"
    wait_until has_records "$n" s
  done
  expect_equal "$(stream-get --json s | jq -r .arrived | sort -u | wc -l)" 3
  expect_end_by INT
}

@test "--linger gathers lines into one batch" {
  new_stream s
  feed in
  start stream-put --ack --linger 1h s in
  printf 'a\nb\n' >&"$FEED"
  wait_until is_empty_pipe "$FEED"
  printf 'c\n' >&"$FEED"
  wait_until is_empty_pipe "$FEED"
  expect_no_records s
  expect_end_by TERM
  expect_data s $'a\nb\nc'
  expect_equal "$(stream-get --json s | jq -r .arrived | sort -u | wc -l)" 1
}

@test "--linger ends by itself" {
  new_stream s
  feed in
  start stream-put --ack --linger 50ms s in
  printf 'a\n' >&"$FEED"
  wait_until has_lines 1 "$OUTPUT"
  printf 'b\n' >&"$FEED"
  wait_until has_lines 2 "$OUTPUT"
  expect_data s $'a\nb'
}

@test "durations that are not valid are usage errors" {
  new_stream s
  local bad
  for bad in 5 x '' -1s 1x 1e3s .5s; do
    echo a | expect_failure 64 "duration" stream-put "--linger=$bad" s
    echo a | expect_failure 64 "duration" stream-put "--timeout=$bad" s
  done
  expect_no_records s
  echo a | expect_silence stream-put --linger=0 --timeout=1m30s s
  echo b | expect_silence stream-put --linger=1.5ms s
  expect_data s $'a\nb'
}

@test "INT, TERM and HUP commit the complete lines, and are what the program dies of" {
  local signal
  for signal in INT TERM HUP; do
    remove s
    rm -f in
    new_stream s
    feed in
    start stream-put --linger 1h s in
    printf 'one\ntwo\nincompl' >&"$FEED"
    wait_until is_empty_pipe "$FEED"
    expect_end_by "$signal"
    expect_empty "$STDOUT"
    expect_data s $'one\ntwo'
    exec {FEED}>&-
  done
}

@test "what many put at once is all there" {
  new_stream s --shards 4
  local n pids=()
  for n in 1 2 3 4 5 6 7 8; do
    seq -f "$n %.0f" 2000 | stream-put s 3>&- &
    pids+=("$!")
  done
  for n in "${pids[@]}"; do wait "$n"; done
  expect_success stream-get s
  sort -n -k 1,1 -s "$STDOUT" >got
  for n in 1 2 3 4 5 6 7 8; do seq -f "$n %.0f" 2000; done >expected
  expect_same got expected
  expect_success stream-stats --verify s
}

@test "arguments that are not valid are usage errors and store nothing" {
  new_stream s
  echo a | expect_failure 64 "STREAM" stream-put
  echo a | expect_failure 64 "bogus" stream-put --bogus s
  echo a | expect_failure 64 "Z" stream-put -Z s
  expect_no_records s
}
