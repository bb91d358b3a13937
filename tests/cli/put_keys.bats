#!/usr/bin/env bats
# stream-put: keys that a JSON pointer leads to, and explicit hash keys.

load helpers

new_stream() {
  expect_silence stream-create "$@"
}

# expect_key POINTER TEXT KEY: of the record TEXT; the key as JSON.
expect_key() {
  rm -rf s
  expect_silence stream-create s || return
  printf '%s' "$2" | expect_silence stream-put s -0 --key-json="$1" --missing-key none || return
  expect_equal "$1 $(stream-get --json s | jq -c .key)" "$1 $3" || return
  expect_equal "$(stream-get s)" "$2"
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

@test "--key-json: an object or array is no key" {
  new_stream s
  local bad
  for bad in '{"k":{}}' '{"k":[1]}'; do
    printf '{"k":1}\n%s\n' "$bad" | expect_failure 65 "line 2 .*'/k' is an object or array" stream-put s --key-json /k --missing-key none
  done
  echo '{"k":""}' | expect_failure 65 "line 1 .*empty" stream-put s --key-json /k
}

@test "--key-json: what is no JSON is refused with its line, also behind the key" {
  local bad
  for bad in x '{"k":"a"' '{"k":"a"} x' '{"k":"a","n":01}' '{"k":"a","n":"\z"}' '' '{"k":"a","n":tru}'; do
    rm -rf s
    new_stream s
    printf '{"k":1}\n%s\n{"k":2}\n' "$bad" >input
    expect_failure 65 "line 2 of 'input'.*JSON.*1 record committed" stream-put s --key-json /k --missing-key none input
  done
}

@test "--key-json: a pointer that is none is a usage error that says how" {
  new_stream s
  local bad
  for bad in user user/name '/a~2' '/~'; do
    echo '{}' | expect_failure 64 "--key-json '$bad'.*/customer/id" stream-put s --key-json "$bad"
  done
  expect_failure 64 "does not go with" stream-put s --key-json /a -k b </dev/null
  expect_failure 64 "does not go with" stream-put s --key-json /a --key-field 1 </dev/null
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

@test "a hash key that is none is a usage error" {
  new_stream s
  local bad
  for bad in '' x -1 1.5 0x1 340282366920938463463374607431768211456; do
    echo a | expect_failure 64 "hash-key" stream-put s "--hash-key=$bad"
  done
  expect_no_records s
}
