#!/usr/bin/env bats
# stream-put --json: records as stream-get --json prints them.

load helpers

# put_json LINE...: into the stream s.
put_json() {
  printf '%s\n' "$@" | expect_silence stream-put s --json
}

@test "an object is a record with its key and explicit hash key" {
  new_stream s
  put_json '{"data":"a"}' '{"key":"k","data":"b"}' '{"hash_key":"7","data":"c"}' \
    '{"data":"d","hash_key":"340282366920938463463374607431768211455","key":"é"}' '{"key":null,"data":""}'
  expect_equal "$(stream-get --json s | jq -cS '[.key, .hash_key, .data]')" '[null,null,"a"]
["k",null,"b"]
[null,"7","c"]
["é","340282366920938463463374607431768211455","d"]
[null,null,""]'
}

@test "a hash key chooses the shard, whatever the key" {
  new_stream s --shards 4
  put_json '{"key":"k","hash_key":"0","data":"a"}' '{"key":"k","hash_key":"340282366920938463463374607431768211455","data":"d"}' \
    '{"hash_key":"85070591730234615865843651857942052864","data":"b"}'
  expect_equal "$(stream-get --json s | jq -r '[.data, .shard] | @tsv' | sort)" \
    $'a\tshardId-000000000000\nb\tshardId-000000000001\nd\tshardId-000000000003'
}

@test "data is the bytes that the escapes stand for" {
  new_stream s
  put_json '{"data":"\u0000\u0001\t\"\\\/\b\f\n\r\u00e9\u20ac\ud83e\udd8a é€🦊"}' '{"data_base64":"AP+ACg=="}' '{"key":"\u006b\u00e9","data":"\u0041"}'
  stream-get --json s | python3 -c '
import base64, json, sys
got = [json.loads(line) for line in sys.stdin]
assert got[0]["data"] == "\0\1\t\"\\/\b\f\n\r\u00e9\u20ac\U0001f98a \u00e9\u20ac\U0001f98a", got[0]
assert base64.b64decode(got[1]["data_base64"]) == b"\0\xff\x80\n", got[1]
assert (got[2]["key"], got[2]["data"]) == ("k\u00e9", "A"), got[2]'
}

@test "other members mean nothing, whatever they hold" {
  new_stream s
  put_json '{"shard":7,"x":{"data":"no","y":[1,{"data":"no"},"]}",1e999,123456789012345678901234567890]},"data":"yes","arrived":null,"":true}'
  expect_data s yes
}

@test "white space between values means nothing, a blank line is not a record" {
  new_stream s
  printf ' \t{ "data" :\t"a" , "key":null }\r\n\n   \r\n{"data":"b"}' | expect_success stream-put s --json --ack
  expect_equal "$(wc -l <"$STDOUT")" 2
  expect_data s $'a\nb'
}

# expect_refused REASON LINE: as the second of three lines, of which the first is stored.
expect_refused() {
  rm -rf s
  expect_silence stream-create s || return
  printf '%s\n' '{"data":"first"}' "$2" '{"data":"third"}' |
    expect_failure 65 "line 2 of 'standard input': $1; 1 record committed" stream-put s --json || return
  expect_data s first
}

@test "what is not JSON is refused with its line" {
  local bad
  for bad in x '{' '}' '{"data":"a"' '{"data":"a",}' '{"data" "a"}' '{data:"a"}' "{'data':'a'}" '{"data":"a"}}' '{"data":"a" "x":1}' \
    '{"data":"a","n":01}' '{"data":"a","n":1.}' '{"data":"a","n":.5}' '{"data":"a","n":+1}' '{"data":"a","n":1e}' '{"data":"a","n":-}' \
    '{"data":"a","n":nul}' '{"data":"a","n":truex}' '{"data":"a","n":}' '{"data":"a","n":[1,]}' '{"data":"a","n":[1 2]}' \
    '{"data":"a","n":{"a"}}' '{"data":"a","n":[}' '{"data":"a","n":"\x"}' '{"data":"a","n":"\u12"}' \
    $'{"data":"a\tb"}' '{"data":"a' '["data' 'nul' '"data"x'; do
    expect_refused '(not valid JSON|more than one JSON value)' "$bad"
  done
  expect_refused 'more than one JSON value' '{"data":"a"} {"data":"b"}'
  expect_refused 'more than one JSON value' '1 2'
  expect_refused 'not valid UTF-8' $'{"data":"\xff"}'
  expect_refused 'JSON nested too deeply' "{\"data\":\"a\",\"n\":$(printf '[%.0s' {1..3000})$(printf ']%.0s' {1..3000})}"
}

@test "what is not a record is refused with its line and what is wrong" {
  expect_refused 'no "data"; did you mean --key-json\?' '{"user":"k","n":1}'
  expect_refused 'no "data"; did you mean --key-json\?' '{}'
  expect_refused 'no "data"; did you mean --key-json\?' '{"data":null}'
  expect_refused 'not a JSON object' '[1]'
  expect_refused 'not a JSON object' '"data"'
  expect_refused 'not a JSON object' '12'
  expect_refused '"data" is not a string' '{"data":{"a":1}}'
  expect_refused '"key" is not a string' '{"data":"a","key":7}'
  expect_refused '"data" has half of a surrogate pair' '{"data":"\ud800"}'
  expect_refused '"key" has half of a surrogate pair' '{"data":"a","key":"a\udc00b"}'
  expect_refused '"hash_key" is not a string' '{"data":"a","hash_key":7}'
  local bad
  for bad in '' -1 x 01 ' 1' 340282366920938463463374607431768211456; do
    expect_refused '"hash_key" is not a decimal number.*' "{\"data\":\"a\",\"hash_key\":\"$bad\"}"
  done
  expect_refused '"data_base64" is not base64' '{"data_base64":"AA="}'
  expect_refused '"data_base64" is not base64' '{"data_base64":"A*=="}'
  expect_refused 'both "data" and "data_base64"' '{"data":"a","data_base64":"AA=="}'
  expect_refused 'its partition key is empty' '{"data":"a","key":""}'
  expect_refused 'its partition key has 257 characters.*' "{\"data\":\"a\",\"key\":\"$(printf 'é%.0s' {1..257})\"}"
}

@test "the maximum is that of the decoded data" {
  new_stream s --max-record-size 1KiB
  python3 -c '
print("{\"data\":\"" + "\\u0000" * 1024 + "\"}")
print("{\"data\":\"" + "\\u0000" * 1025 + "\"}")' >input
  expect_failure 65 "line 2 of 'input'.*1025 bytes.*1 record committed" stream-put s --json input
  expect_failure 65 "line 1 of.*a line of more than" timeout 20 stream-put s --json </dev/zero
  expect_equal "$(stream-get s | wc -c)" 1025
}

@test "records bring their own keys" {
  new_stream s
  local options
  for options in '-k x' '--key-field 1' '--key-json /key' '--key-regex a' '--hash-key 1'; do
    # shellcheck disable=SC2086
    echo '{"data":"a"}' | expect_failure 64 "bring their own keys" stream-put s --json $options
    # shellcheck disable=SC2086
    expect_failure 64 "bring their own keys" stream-put s --frames $options </dev/null
  done
  expect_no_records s
}

# Into stream a, with some shards: every byte, keys of all sorts, explicit hash keys, nothing at all.
make_a() {
  expect_silence stream-create a --shards "$1" || return
  python3 - >records <<'PYTHON'
import base64, json, random
r = random.Random(5)
for n in range(3000):
    record = {}
    key = r.choice([None, "k%d" % r.randrange(20), "é🦊" * r.randrange(1, 5), "\"\\\n\0\x7f", "x" * 256])
    if key is not None or r.random() < 0.5: record["key"] = key
    if r.random() < 0.3: record["hash_key"] = str(r.randrange(2 ** 128))
    if r.random() < 0.5: record["data"] = "".join(chr(r.choice([0, 10, 34, 92, 127, 128, 233, 8364, 129418, 97])) for _ in range(r.randrange(30)))
    else: record["data_base64"] = base64.b64encode(r.randbytes(r.randrange(60))).decode()
    print(json.dumps(record, ensure_ascii=r.random() < 0.5))
PYTHON
  expect_silence stream-put a --json records
}

# Those without a key or hash key go to any shard.
keyed_shards() {
  stream-get --json "$1" | jq -c 'select(.key or .hash_key) | [.shard, .key, .hash_key]' | sort
}

@test "stream-get --json | stream-put --json is the same, with 1 and 16 shards and through jq" {
  local shards
  for shards in 1 16; do
    rm -rf a b c
    make_a "$shards"
    contents a >expected
    expect_equal "$(wc -l <expected)" 3000
    python3 -c '
import base64, json
def plain(record):
    data = record["data"].encode() if "data" in record else base64.b64decode(record["data_base64"])
    return [record.get("key"), record.get("hash_key"), base64.b64encode(data).decode()]
put = sorted(map(repr, (plain(json.loads(line)) for line in open("records"))))
got = [{k: v for k, v in json.loads(line).items() if v is not None} for line in open("expected")]
assert put == sorted(map(repr, map(plain, got)))'
    new_stream b --shards "$shards"
    new_stream c --shards "$shards"
    stream-get a --json | expect_silence stream-put b --json
    stream-get a --json | jq -c . | expect_silence stream-put c --json
    contents b >got
    expect_same got expected
    contents c >got
    expect_same got expected
    expect_equal "$(keyed_shards b)" "$(keyed_shards a)"
    expect_success stream-stats --verify c
  done
}
