#!/usr/bin/env bats
# stream-put: keys that a JSON pointer leads to, and explicit hash keys.

load helpers

# expect_key POINTER TEXT KEY: of the record TEXT; the key as JSON.
expect_key() {
  remove s
  expect_silence stream-create s || return
  printf '%s' "$2" | expect_silence stream-put s -0 --key-json="$1" --missing-key none || return
  expect_equal "$1 $(stream-get --json s | jq -c .key)" "$1 $3" || return
  expect_data s "$2"
}

@test "--key-json takes what the pointer leads to" {
  expect_key /user '{"n":1,"user":"k"}' '"k"'
  expect_key /a/b/0 '{"a":{"b":["x","y"]}}' '"x"'
  expect_key /a/b/1 '{"a":{"b":["x","y"]}}' '"y"'
  expect_key /a/b/2 '{"a":{"b":["x","y"]}}' null
  expect_key /a/b/01 '{"a":{"b":["x","y"]}}' null
  expect_key /a/b/- '{"a":{"b":["x","y"]}}' null
  expect_key /1 '{"1":"of an object"}' '"of an object"'
  expect_key '' '"whole"' '"whole"'
  expect_key '' ' 12 ' '"12"'
  expect_key / '{"":"no name"}' '"no name"'
  expect_key /user/x '{"user":"k"}' null
  expect_key /user '{"x":{"user":"k"}}' null
  expect_key /user '{}' null
  expect_key /user '[]' null
  expect_key /user '7' null
}

# RFC 6901, section 5.
@test "--key-json reads the pointers of RFC 6901" {
  local text='{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}'
  expect_key /foo/0 "$text" '"bar"'
  expect_key / "$text" '"0"'
  expect_key /a~1b "$text" '"1"'
  expect_key /c%d "$text" '"2"'
  expect_key /e^f "$text" '"3"'
  expect_key '/g|h' "$text" '"4"'
  expect_key '/i\j' "$text" '"5"'
  expect_key '/k"l' "$text" '"6"'
  expect_key '/ ' "$text" '"7"'
  expect_key /m~0n "$text" '"8"'
}

@test "--key-json: numbers and booleans are as they are written, null is missing" {
  expect_key /k '{"k":12.50}' '"12.50"'
  expect_key /k '{"k": -0 }' '"-0"'
  expect_key /k '{"k":1E+400}' '"1E+400"'
  expect_key /k '{"k":123456789012345678901234567890}' '"123456789012345678901234567890"'
  expect_key /k '{"k":true}' '"true"'
  expect_key /k '{"k":false}' '"false"'
  expect_key /k '{"k":null}' null
  expect_key /k '{"k":"null"}' '"null"'
}

@test "--key-json: escapes in names and strings are read, in the data they stay" {
  expect_key /é '{"\u00e9":"\u006b\ud83e\udd8a\n"}' '"k🦊\n"'
  expect_key /k '{"k":"first","k":"last"}' '"last"'
  expect_key /a/b '{"a":{"b":"first"},"a":{}}' null
}

@test "--key-json: many keys with escapes in one chunk are each their own" {
  new_stream s
  seq 20000 | sed 's/.*/{"k":"\\u006b&"}/' >input
  expect_silence stream-put s --key-json /k input
  expect_equal "$(stream-get --json s | jq -r .key | sha256sum)" "$(seq 20000 | sed 's/^/k/' | sha256sum)"
}

@test "--key-json: where the key is missing is said, unless --missing-key takes it" {
  new_stream s
  printf '%s\n' '{"k":"a"}' '{"x":1}' '{"k":"c"}' >input
  expect_failure 65 "line 2 of 'input': no partition key.*--missing-key.*1 record committed" stream-put s --key-json /k input
  expect_silence stream-put s --key-json /k --missing-key none input
  expect_silence stream-put s --key-json /k --missing-key other input
  expect_equal "$(stream-get --json s | jq -c .key | paste -sd ' ')" '"a" "a" null "c" "a" "other" "c"'
}

@test "--missing-key takes every record whose key cannot be used; without it the message says why" {
  new_stream s
  local long_key bad why n=0
  long_key=$(printf 'x%.0s' {1..257})
  while IFS='|' read -r bad why; do
    n=$((n + 1))
    printf '%s\n' "$bad" >>bad
    printf '{"k":1}\n%s\n' "$bad" | expect_failure 65 "line 2 of .*$why.*--missing-key" stream-put s --key-json /k
  done <<END
{"k":{}}|'/k' is an object or array
{"k":[1]}|'/k' is an object or array
{"k":""}|its partition key is empty
{"k":"$long_key"}|257 characters
{"k":"\ud800"}|'/k' has half of a surrogate pair
{"k":"a\udc00"}|'/k' has half of a surrogate pair
{"k":null}|no partition key
END
  expect_equal "$n" 7
  new_stream t
  expect_silence stream-put t --key-json /k --missing-key none bad
  expect_silence stream-put t --key-json /k --missing-key other bad
  expect_equal "$(stream-get t --format '{key:json}' | uniq -c | awk '{print $1, $2}')" $'7 null\n7 "other"'
  cat bad bad >expected
  expect_records t expected
  printf '%s,1\n\xff,2\n,3\n' "$long_key" >fields
  expect_silence stream-put s --key-field 1 -F , --missing-key other fields
  expect_silence stream-put s --key-regex '^[^,]*' --missing-key other fields
  expect_equal "$(stream-get s --key other | wc -l)" 6
}

@test "several places of a key are tried in the order in which they are given" {
  new_stream s
  printf '%s\n' '{"a":"1","b":"2"}' '{"b":"2"}' '{"a":"","b":"2"}' '{"a":{},"b":null,"c":3}' '{"d":4} last' >input
  head -n 4 input | expect_silence stream-put s --key-json /a --key-json /b --key-json /c
  expect_equal "$(stream-get s --format '{key}' | paste -sd ' ')" "1 2 2 3"
  new_stream t
  head -n 2 input | expect_silence stream-put t --key-json /b --key-json /a
  expect_silence stream-put t --key-field 2 --key-regex '"(b)"' --missing-key none input
  expect_silence stream-put t --key-regex '"(b)"' --key-field 2 --key-field 1 input
  expect_equal "$(stream-get t --format '{key}' | paste -sd ' ')" '2 2 b b b b last b b b b last'
  tail -n 2 input | head -n 1 | expect_failure 65 "line 1 .*no partition key.*--missing-key" stream-put t --key-json /x --key-json /y
  # What is not JSON is refused by the first pointer, whatever comes after it.
  echo 'a 1' | expect_failure 65 "line 1 .*not valid JSON" stream-put t --key-json /a --key-field 2 --missing-key none
}

@test "--key-json: half of a surrogate pair is kept where it is not the key" {
  new_stream s
  printf '%s\n' '{"k":"a","x":"\ud800"}' '{"\udc00":1,"k":"a"}' '{"x":["\ud83e\udd8a\udd8a",{"\ud83e":"\ud83e\u0041"}],"k":"\ud83e\udd8a"}' >input
  expect_silence stream-put s --key-json /k input
  expect_records s input
  expect_equal "$(stream-get s --format '{key}' | paste -sd ' ')" "a a 🦊"
  new_stream t
  sed 's/}$/,"data":"d"}/' input | expect_silence stream-put t --json
  expect_data t $'d\nd\nd'
  local bad
  for bad in '{"k":"a","x":"\ud8"}' '{"\u":1,"k":"a"}' '{"\x":1,"k":"a"}' '{"k":"a","x":"\ud800\q"}'; do
    echo "$bad" | expect_failure 65 "line 1 .*not valid JSON" stream-put s --key-json /k
    echo "$bad" | expect_failure 65 "line 1 .*not valid JSON" stream-put s --json
  done
}

@test "--key-json: what is not JSON is refused with its line, also behind the key" {
  local bad
  for bad in x '{"k":"a"' '{"k":"a"} x' '{"k":"a","n":01}' '{"k":"a","n":"\z"}' '' '{"k":"a","n":tru}'; do
    remove s
    new_stream s
    printf '{"k":1}\n%s\n{"k":2}\n' "$bad" >input
    expect_failure 65 "line 2 of 'input'.*JSON.*1 record committed" stream-put s --key-json /k --missing-key none input
  done
}

@test "--key-json: a pointer that is not valid is a usage error that says how" {
  new_stream s
  local bad
  for bad in user user/name '/a~2' '/~'; do
    echo '{}' | expect_failure 64 "--key-json '$bad'.*/customer/id" stream-put s --key-json "$bad"
  done
  expect_failure 64 "does not go with" stream-put s --key-json /a -k b </dev/null
  expect_failure 64 "does not go with" stream-put s -k b --key-field 1 </dev/null
  expect_no_records s
}

@test "--hash-key chooses the shard, alone or with a key" {
  new_stream s --shards 4
  echo a | expect_silence stream-put s --hash-key 0
  echo b | expect_silence stream-put s --hash-key 340282366920938463463374607431768211455 -k k
  echo c | expect_silence stream-put s --hash-key 170141183460469231731687303715884105728 --key-field 1
  expect_equal "$(stream-get --json s | jq -cS '[.data, .shard[-1:], .key, .hash_key]' | sort)" \
'["a","0",null,"0"]
["b","3","k","340282366920938463463374607431768211455"]
["c","2","c","170141183460469231731687303715884105728"]'
}

@test "a hash key that is not valid is a usage error" {
  new_stream s
  local bad
  for bad in '' x -1 1.5 0x1 340282366920938463463374607431768211456; do
    echo a | expect_failure 64 "hash-key" stream-put s "--hash-key=$bad"
  done
  expect_no_records s
}

@test "--key-delimiter: what stands before it is the key, and comes back with --format" {
  new_stream s --shards 4
  printf '%s\n' $'k1\ta' $'k2\tb\tc' $'k1\t' $'é x\t"d"' $'\tno key' >input
  expect_silence stream-put s --key-delimiter '\t' --missing-key none input
  stream-get s --format '{key}\t{data}' | sort >got
  expect_same got <(sort input)
  expect_equal "$(stream-get s --key k1 -d '|')" 'a||'
  stream-get s --format '{key}::{data}' | expect_silence stream-put s --key-delimiter '::' --missing-key none
  expect_equal "$(stream-get s --format '{key}\t{data}' | sort | uniq -c | awk '{print $1}' | sort -u)" 2
}

@test "--key-delimiter: the round trip keeps the largest record, and exactly once" {
  new_stream s --max-record-size 1KiB
  new_stream t --max-record-size 1KiB
  printf 'x%.0s' {1..1023} | expect_silence stream-put s -k k
  stream-get s --format '{key}<=>{data}' >input
  expect_silence stream-put t --key-delimiter '<=>' --producer p input
  expect_silence stream-put t --key-delimiter '<=>' --producer p input
  expect_equal "$(stream-get t --format '{key} {data}')" "$(stream-get s --format '{key} {data}')"
  printf 'x%.0s' {1..1025} | expect_failure 65 "line 1 .*maximum record size" stream-put t --key-delimiter '<=>' --missing-key none
}

@test "--key-delimiter: where it is not there, or what stands before it is no key, nothing is taken off" {
  new_stream s
  printf '%s\n' 'no delimiter' $'\xff=a' "$(printf 'x%.0s' {1..257})=b" >input
  expect_failure 65 "line 1 of 'input': no partition key.*--missing-key" stream-put s --key-delimiter = input
  printf '=a\n' | expect_failure 65 "line 1 of .*partition key is empty.*--missing-key" stream-put s --key-delimiter =
  expect_no_records s
  expect_silence stream-put s --key-delimiter = --missing-key other input
  expect_records s input
  expect_equal "$(stream-get s --format '{key}' | sort -u)" other
  printf '%s\n' '={"k":"j"}' 'd={"k":"j"}' | expect_silence stream-put s --key-delimiter = --key-json /k
  expect_equal "$(stream-get s --format '{key} {data}' | tail -n 2)" $'j {"k":"j"}\nd {"k":"j"}'
  local bad
  for bad in '' '\q'; do expect_failure 64 "key-delimiter|escapes|read" stream-put s --key-delimiter "$bad" input; done
  expect_failure 64 "bring their own keys" stream-put s --json --key-delimiter = input
  expect_failure 64 "does not go with" stream-put s -k a --key-delimiter = input
}

# --- chunks of the input that several threads encode ------------------------------------------------------------------------

# many_users: the file input, several MiB of JSON lines of 500 users. The last line has no newline.
many_users() {
  awk 'BEGIN { for (i = 1; i <= 40000; ++i) printf "%s{\"user\":\"u%d\",\"n\":%d,\"text\":\"%070d\"}", (i > 1 ? "\n" : ""), i * 7919 % 500, i, i }' >input
}

# on_one_processor COMMAND...
on_one_processor() {
  local key value processors
  while read -r key value; do [ "$key" != Cpus_allowed_list: ] || processors=$value; done </proc/self/status
  taskset -c "${processors%%[,-]*}" "$@"
}

# expect_lines STREAM FILE: the records are the lines of the file, and those of a user are in their order.
expect_lines() {
  local user
  expect_success stream-get "$1" || return
  expect_same <(sort "$STDOUT") <(sort "$2") || return
  for user in 0 7 499; do
    expect_same <(grep "\"u$user\"" "$STDOUT") <(grep "\"u$user\"" "$2") || return
  done
}

@test "several threads store and acknowledge in the order of the input" {
  many_users
  new_stream one --shards 8
  new_stream many --shards 8
  expect_success on_one_processor stream-put --ack --key-json /user one input
  mv "$STDOUT" acknowledged
  expect_success stream-put --ack --key-json /user many input
  expect_same "$STDOUT" acknowledged
  echo >>input
  expect_lines one input
  expect_lines many input
}

@test "several threads: bad JSON in the middle has its line, and nothing else is lost" {
  many_users
  sed -i '25000s/.*/{"user":"u1",}/' input
  echo >>input
  head -n 24999 input >before
  sed 25000d input >others
  local run
  for run in env on_one_processor; do
    remove s
    new_stream s --shards 8
    expect_failure 65 "line 25000 of 'input': not valid JSON.*24999 records committed" "$run" stream-put --key-json /user s input
    expect_lines s before
    remove s
    new_stream s --shards 8
    expect_status 1 "$run" stream-put --key-json /user --on-error skip s input
    expect_equal "$(grep -c "line 25000 of 'input': not valid JSON" "$STDERR")" 1
    expect_lines s others
  done
}

@test "several threads: TERM stores what was read" {
  many_users
  new_stream s --shards 8
  feed in
  start stream-put --key-json /user s in
  cat input >&"$FEED"
  wait_until is_empty_pipe "$FEED"
  expect_end_by TERM
  head -n 39999 input >complete
  expect_lines s complete
}

@test "little input takes no further thread" {
  new_stream s
  feed in
  start stream-put --ack --key-field 1 s in
  local n threads
  for n in 1 2 3 4; do
    echo "$n" >&"$FEED"
    wait_until has_lines "$n" "$OUTPUT"
    threads+=("$(echo /proc/"$PID"/task/*)")
  done
  expect_equal "${threads[3]}" "${threads[0]}"
}
