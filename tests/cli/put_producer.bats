#!/usr/bin/env bats
# stream-put --producer: each record of an input once, however often the run is repeated.

load helpers

differs="producer 'p': the input is not the one that was stored: "

# --- plain inputs ------------------------------------------------------------------------------------------------------------

@test "a repeated run stores nothing, and one with a grown input what is new" {
  new_stream s --shards 3
  seq 1000 >input
  expect_silence stream-put s --producer p input
  expect_silence stream-put s --producer p input
  expect_silence stream-put s --producer p <input
  expect_records s input
  seq 2500 >input
  expect_silence stream-put s --producer p input
  expect_silence stream-put s --producer p - <input
  expect_records s input
}

@test "each id has its own position, and without one everything is stored" {
  new_stream s
  seq 10 >input
  expect_silence stream-put s --producer p input
  expect_silence stream-put s --producer 'q, ä /x' input
  expect_silence stream-put s input
  expect_silence stream-put s --producer 'q, ä /x' input
  expect_equal "$(figures s .records)" 30
}

@test "several files are one input" {
  new_stream s
  seq 100 >a
  seq 101 200 >b
  seq 201 300 >c
  expect_silence stream-put s --producer p a b
  expect_silence stream-put s --producer p a b - <c
  cat a b c >all
  expect_silence stream-put s --producer p all
  expect_records s all
}

@test "an empty input, empty records, and a last record without an end" {
  new_stream s
  expect_silence stream-put s --producer p /dev/null
  printf '\n\n\n' | expect_silence stream-put s --producer p
  printf '\n\n\n' | expect_silence stream-put s --producer p
  expect_equal "$(figures s .records)" 3
  printf '\n\n\nabc' >input
  expect_silence stream-put s --producer p input
  echo >>input
  expect_silence stream-put s --producer p input
  expect_equal "$(figures s .records)" 4
  printf '\n\n\nabcdef\n' | expect_failure 65 "${differs}its record 4 differs; no records committed" stream-put s --producer p
}

@test "every framing and every source of keys" {
  seq 3000 | awk '{ printf "{\"n\":%d,\"k\":\"k%d\"}\n", $1, $1 % 7 }' >lines
  tr '\n' '\0' <lines >nuls
  sed 's/$/;;/' lines | tr -d '\n' >semicolons
  jq -c '{data: tojson, key: .k}' lines >json
  split -l 50 lines part-
  local form
  for form in "lines" "nuls -0" "semicolons -d ;;" "json --json" "lines -k key" "lines --key-json /k" "lines --key-regex k[0-9]" \
      "lines --key-field 4 -F \"" "lines --hash-key 7"; do
    set -f
    # shellcheck disable=SC2086
    set -- $form
    set +f
    local file=$1
    shift
    remove s
    new_stream s --shards 4
    expect_silence stream-put s --producer p "$@" "$file"
    contents s >once
    expect_equal "$form: $(wc -l <once)" "$form: 3000"
    expect_silence stream-put s --producer p "$@" "$file"
    cat "$file" "$file" | expect_silence stream-put s --producer p "$@"
    sort once once >twice
    contents s >got
    expect_same got twice
  done
  new_stream w
  expect_silence stream-put w --producer p --whole part-aa part-ab
  expect_silence stream-put w --producer p --whole part-*
  stream-get w -d '' >got
  expect_same got lines
  expect_equal "$(figures w .records)" 60
}

@test "a changed input is refused before anything is stored, with the records between which it differs" {
  new_stream s
  local end
  for end in 100 200 300; do seq "$end" | expect_silence stream-put s --producer p; done
  local changed
  for changed in 101 150 200; do
    seq 1000 | sed "${changed}s/\$/x/" | expect_failure 65 "${differs}it differs between its records 101 and 200; no records committed\$" \
      stream-put s --producer p
  done
  seq 1000 | sed 1s/./2/ | expect_failure 65 "between its records 1 and 100;" stream-put s --producer p
  seq 1000 | sed 300d | expect_failure 65 "between its records 201 and 300;" stream-put s --producer p
  seq 1000 | tr '\n' ' ' | expect_failure 65 "it ends after 1 records, and 300 were stored" stream-put s --producer p
  # The same bytes, but cut otherwise.
  seq 1000 | expect_failure 65 "between its records 1 and 100;" stream-put s --producer p -d 5
  seq 1000 | expect_silence stream-put s --producer p
  seq 1000 >expected
  expect_records s expected
}

@test "an input that ends before what is stored is refused, and one that is the same behind that is not" {
  new_stream s
  seq 50 | expect_silence stream-put s --producer p
  seq 49 | expect_failure 65 "${differs}it ends after 49 records, and 50 were stored; no records committed\$" stream-put s --producer p
  expect_failure 65 "it ends after 0 records" stream-put s --producer p /dev/null
  # Nothing is known to be wrong with one that was stopped.
  feed in
  start stream-put s --producer p in
  seq 20 >&"$FEED"
  wait_until is_empty_pipe "$FEED"
  expect_end_by TERM
  expect_empty "$STDERR"
  expect_equal "$(figures s .records)" 50
}

@test "a run that was stopped by a signal goes on with the record that it had not read" {
  new_stream s --shards 2
  feed in
  start stream-put s --producer p in
  { seq 20; printf unfin; } >&"$FEED"
  wait_until has_records 20 s
  expect_end_by TERM
  { seq 20; echo unfinished; echo next; } >input
  expect_silence stream-put s --producer p input
  expect_records s input
}

@test "of two runs at the same time one exits with 76, and nothing is there twice" {
  new_stream s
  seq 10 | expect_silence stream-put s --producer p
  feed in
  start stream-put s --producer p in
  seq 15 >&"$FEED"
  wait_until has_records 15 s
  seq 20 >input
  expect_silence stream-put s --producer p input
  seq 16 17 >&"$FEED"
  expect_exit 76
  expect_stderr_line "producer 'p' is at 20, not at 15 as expected: another run has moved it on; 5 records committed"
  expect_records s input
}

@test "a run whose producer is forgotten meanwhile exits with 76" {
  new_stream s
  feed in
  start stream-put s --producer p in
  seq 5 >&"$FEED"
  wait_until has_records 5 s
  expect_silence stream-put s --producer p --forget
  seq 6 7 >&"$FEED"
  expect_exit 76
  expect_stderr_line "producer 'p'"
  expect_equal "$(figures s .records)" 5
}

# --- records that break a rule -----------------------------------------------------------------------------------------------

@test "with --on-error stop the position is before the bad record, which can be mended" {
  new_stream s
  seq 100 | sed '60s/.*/{bad/' >input
  sed -i '60!s/.*/{"k":"&"}/' input
  expect_failure 65 "line 60 .*; 59 records committed" stream-put s --producer p --key-json /k input
  expect_equal "$(figures s .records)" 59
  expect_failure 65 "line 60 .*; no records committed" stream-put s --producer p --key-json /k input
  sed -i '60s/.*/{"k":"mended"}/' input
  expect_silence stream-put s --producer p --key-json /k input
  expect_records s input
  # And of JSON records, which are decoded where they lie.
  new_stream j
  seq 100 | sed 's/.*/{"data":"\\u0041&"}/; 60s/.*/{"data":"\\u0041"/' >input
  expect_failure 65 "line 60 .*; 59 records committed" stream-put j --producer p --json input
  sed -i '60s/$/}/' input
  expect_silence stream-put j --producer p --json input
  expect_equal "$(figures j .records)" 100
}

@test "with --on-error skip a skipped record counts, and is named once" {
  new_stream s --max-record-size 1KiB
  { seq 10; head -c 3000 /dev/zero | tr '\0' x; echo; seq 11 20; echo "a b"; seq 21 25; } >input
  expect_status 1 stream-put s --producer p --key-field 1 --on-error skip input
  expect_equal "$(wc -l <"$STDERR")" 2
  expect_silence stream-put s --producer p --key-field 1 --on-error skip input
  expect_silence stream-put s --producer q --on-error skip /dev/null
  { cat input; head -c 3000 /dev/zero | tr '\0' y; echo; echo end; } >more
  expect_status 1 stream-put s --producer p --key-field 1 --on-error skip more
  grep -q "line 28 of 'more': over the stream's maximum record size" "$STDERR" || fail "$(cat "$STDERR")"
  { seq 20; echo "a b"; seq 21 25; echo end; } >expected
  expect_records s expected
  # Where it was left out counts too.
  { head -c 3000 /dev/zero | tr '\0' x; echo; cat input; } >shifted
  expect_status 65 stream-put s --producer p --on-error skip shifted
}

@test "bad records alone move the position too" {
  new_stream s
  seq 3 | expect_status 1 stream-put s --producer p --key-field 2 --on-error skip
  seq 3 | expect_silence stream-put s --producer p --key-field 2 --on-error skip
  seq 2 | expect_failure 65 "3 were stored" stream-put s --producer p --key-field 2 --on-error skip
  expect_no_records s
}

# --- delivery ----------------------------------------------------------------------------------------------------------------

@test "--ack has a line for each record, those that are there already among them" {
  new_stream s
  printf '%s\n' "a 1" bad "b 2" >input
  expect_status 1 stream-put s --producer p --key-field 2 --on-error skip input
  echo "c 3" >>input
  expect_success stream-put s --producer p --key-field 2 --on-error skip --ack input
  expect_stdout $'-\talready stored\n-\tno partition key (--missing-key none|KEY takes it)\n-\talready stored\nshardId-000000000000\t3'
  new_stream t
  seq 3 | expect_silence stream-put t --producer p
  seq 4 | expect_success stream-put t --producer p --ack
  expect_stdout $'-\talready stored\n-\talready stored\n-\talready stored\nshardId-000000000000\t4'
}

@test "what is there already costs nothing of --rate, and --linger waits for the rest only" {
  new_stream s
  seq 100000 | expect_silence stream-put s --producer p
  seq 100010 | expect_silence stream-put s --producer p --rate 1000 --linger 10ms
  seq 100010 >expected
  expect_records s expected
}

@test "the records of one chunk are stored in many commits, each with its position" {
  new_stream s --shards 2
  seq 400 >input
  start stream-put s --producer p --rate 200 --key-regex . input
  wait_until has_records 30 s
  expect_end_by KILL
  expect_silence stream-put s --producer p --key-regex . input
  stream-get s | sort -n >got
  expect_same got input
}

@test "records are routed again where shards are split under a run" {
  new_stream s
  seq 10 | expect_silence stream-put s --producer p --key-regex .
  feed in
  start stream-put s --producer p --key-regex . in
  seq 20 >&"$FEED"
  wait_until has_records 20 s
  expect_success stream-reshard scale s 4
  seq 21 30 >&"$FEED"
  wait_until has_records 30 s
  expect_end_by INT
  seq 40 >input
  expect_silence stream-put s --producer p --key-regex . input
  stream-get s | sort -n >got
  expect_same got input
}

@test "what does not go together is a usage error" {
  new_stream s
  local id
  for id in '' $'a\nb' $'a\x7f' $'a\x80' "$(head -c 257 /dev/zero | tr '\0' x)"; do
    echo a | expect_failure 64 "^stream-put: --producer" stream-put s --producer "$id"
  done
  echo a | expect_failure 64 "sample" stream-put s --producer p --sample 50
  echo a | expect_failure 64 "sync normal" stream-put s --producer p --sync normal
  expect_failure 64 "forget" stream-put s --forget
  expect_failure 64 "forget" stream-put s --producer p --forget input
  expect_no_records s
  echo a | expect_silence stream-put s --producer "$(head -c 256 /dev/zero | tr '\0' x)" --sync full
  expect_equal "$(figures s .records)" 1
}

# --- mirrors -----------------------------------------------------------------------------------------------------------------

@test "a mirror goes on where it stopped, by frames and by JSON" {
  local form
  for form in --frames --json; do
    remove a b
    new_stream a --shards 3
    new_stream b --shards 2
    seq 1000 | expect_silence stream-put a --key-regex '.$'
    stream-get a "$form" | expect_silence stream-put b "$form" --producer a
    stream-get a "$form" | expect_silence stream-put b "$form" --producer a
    seq 1001 1500 | expect_silence stream-put a --key-regex '.$'
    stream-get a "$form" | expect_silence stream-put b "$form" --producer a
    contents a >expected
    contents b >got
    expect_equal "$(wc -l <got)" 1500
    expect_same got expected
    # It need not begin where it began, as if records had been trimmed.
    seq 1501 1600 | expect_silence stream-put a --key-regex '.$'
    stream-get a "$form" --from last:300 | expect_silence stream-put b "$form" --producer a
    contents a >expected
    contents b >got
    expect_same got expected
  done
}

@test "of a frame that is known in part the rest is stored" {
  new_stream a
  new_stream b
  seq 10 | expect_silence stream-put a
  stream-get a --frames -n 4 | expect_silence stream-put b --frames --producer a
  stream-get a --frames | expect_success stream-put b --frames --producer a --ack
  { for ((i = 1; i <= 4; ++i)); do printf -- '-\talready stored\n'; done
    for ((i = 5; i <= 10; ++i)); do printf 'shardId-000000000000\t%d\n' "$i"; done; } >expected
  expect_same "$STDOUT" expected
  seq 10 >expected
  expect_records b expected
}

@test "overlapping dumps do no harm, in one run or in many" {
  new_stream a --shards 2
  seq 300 | expect_silence stream-put a --key-regex '.$'
  local form
  for form in --frames --json; do
    remove b
    new_stream b
    { stream-get a "$form" -n 200; stream-get a "$form" --from last:250; stream-get a "$form"; } >dumps
    expect_silence stream-put b "$form" --producer a dumps
    expect_silence stream-put b "$form" --producer a dumps
    contents a >expected
    contents b >got
    expect_same got expected
  done
}

@test "frames of two streams do not mix up their positions" {
  new_stream a
  new_stream b
  new_stream c
  seq 10 | expect_silence stream-put a
  seq 11 25 | expect_silence stream-put b
  { stream-get a --frames; stream-get b --frames; } >frames
  expect_silence stream-put c --frames --producer all frames
  expect_silence stream-put c --frames --producer all frames
  seq 25 >expected
  expect_records c expected
}

@test "a mirror stores a position for each piece of a rate, within a frame too" {
  new_stream a
  new_stream b
  seq 400 >expected
  expect_silence stream-put a expected
  stream-get a --frames >frames
  start stream-put b --frames --producer a --rate 200 frames
  wait_until has_records 30 b
  expect_end_by KILL
  expect_silence stream-put b --frames --producer a frames
  expect_records b expected
}

@test "a bad record of a mirror stops it before the record, or is left out once" {
  new_stream a --max-record-size 2KiB
  { seq 10; head -c 1500 /dev/zero | tr '\0' x; echo; seq 11 20; } | expect_silence stream-put a
  local form
  for form in --frames --json; do
    stream-get a "$form" >dump
    remove b
    new_stream b --max-record-size 1KiB
    expect_failure 65 "; 10 records committed" stream-put b "$form" --producer a dump
    expect_failure 65 "; no records committed" stream-put b "$form" --producer a dump
    expect_status 1 stream-put b "$form" --producer a --on-error skip dump
    expect_silence stream-put b "$form" --producer a dump
    seq 20 >expected
    expect_records b expected
  done
}

@test "JSON is a mirror where its first record says where it is from" {
  new_stream a
  new_stream b
  seq 5 | expect_silence stream-put a
  { echo; stream-get a --json; } >dump
  { cat dump; echo '{"data":"no origin"}'; } >input
  expect_failure 65 'line 7 of .input.: no "shard" and "sequence"' stream-put b --json --producer a input
  expect_equal "$(figures b .records)" 5
  # The other way round, what the members say means nothing.
  { echo '{"data":"no origin"}'; cat dump; } >input
  new_stream c
  expect_silence stream-put c --json --producer a input
  expect_silence stream-put c --json --producer a input
  cat dump dump >>input
  expect_silence stream-put c --json --producer a input
  expect_equal "$(figures c .records)" 16
  # Members of that name that say something else.
  new_stream d
  printf '{"data":"%s","shard":"%s","sequence":%s}\n' a eu-1 1 b 3 5 c shardId-000000000000 '"x"' >input
  expect_silence stream-put d --json --producer a input
  expect_silence stream-put d --json --producer a input
  expect_equal "$(figures d .records)" 3
}

@test "sequence numbers of 129 digits are compared" {
  new_stream s
  local nines
  nines=$(printf '9%.0s' {1..128})
  printf '{"data":"%s","shard":"shardId-000000000000","sequence":"%s"}\n' a "$nines" b "1${nines//9/0}" c "1${nines//9/1}" >input
  expect_silence stream-put s --json --producer p input
  expect_silence stream-put s --json --producer p input
  tac input | expect_silence stream-put s --json --producer p
  printf '%s\n' a b c >expected
  expect_records s expected
}

@test "an id is for one kind of input" {
  new_stream a
  new_stream b
  seq 5 | expect_silence stream-put a
  seq 5 | expect_silence stream-put b --producer lines
  stream-get a --frames | expect_silence stream-put b --producer frames --frames
  stream-get a --json | expect_silence stream-put b --producer json --json
  local other="what it stored before was another kind of input"
  stream-get a --frames | expect_failure 65 "producer 'lines': $other" stream-put b --producer lines --frames
  stream-get a --frames | expect_failure 65 "$other" stream-put b --producer json --frames
  stream-get a --json | expect_failure 65 "$other" stream-put b --producer frames --json
  stream-get a --json | expect_status 65 stream-put b --producer lines --json
  seq 5 | expect_failure 65 "$other" stream-put b --producer frames
  seq 5 | expect_failure 65 "$other" stream-put b --producer json
  expect_equal "$(figures b .records)" 15
}

# --- forgetting --------------------------------------------------------------------------------------------------------------

@test "--forget removes all positions of a producer" {
  new_stream a --shards 3
  new_stream b
  seq 100 | expect_silence stream-put a --key-regex '.$'
  seq 3 | expect_silence stream-put b --producer p
  stream-get a --frames | expect_silence stream-put b --producer a --frames
  expect_silence stream-put --producer a --forget b
  expect_failure 66 "producer 'a'" stream-put --producer a --forget b
  expect_failure 66 "producer 'q'" stream-put --producer q --forget b
  expect_failure 66 "none" stream-put --producer q --forget none
  seq 3 | expect_silence stream-put b --producer p
  expect_equal "$(figures b .records)" 103
  stream-get a --frames | expect_silence stream-put b --producer a --frames
  expect_equal "$(figures b .records)" 203
}
