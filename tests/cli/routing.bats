#!/usr/bin/env bats
# Which shard a key goes to: the one whose hash range holds the MD5 of its UTF-8 as a big-endian number, as in Kinesis.

load helpers

# 10,000 different keys without blanks at their ends, tabs or newlines, one a line in the file keys.
make_keys() {
  python3 - "$1" >keys <<'PYTHON'
import random, sys
r = random.Random(int(sys.argv[1]))
alphabets = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-",
    "".join(map(chr, range(0x21, 0x7f))),
    "äöüßéèñçÅØþ",
    "абвгдежзийклмн",
    "日本語漢字仮名交文",
    "🦊🐍🚀🎉👍🏽🇩🇪",
]
keys = {"a", "0", "é", "🦊", "-", "--ack", "é" * 256, "x" * 256, "🦊" * 256, "日" * 255, "e\u0301", "\u00e9"}
while len(keys) < 10000:
    length = r.choice([1, 2, 8, 36, r.randrange(1, 257)])
    keys.add("".join(r.choices(r.choice(alphabets), k=length)))
print("\n".join(sorted(keys)))
PYTHON
}

# What Python says: key TAB shard TAB hash key.
expected_shards() {
  python3 - "$1" <<'PYTHON'
import hashlib, sys
count = int(sys.argv[1])
step = 2**128 // count
for key in open("keys", encoding="utf-8", newline="\n"):
    key = key.rstrip("\n")
    hash_key = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
    print(key, f"shardId-{min(hash_key // step, count - 1):012d}", hash_key, sep="\t")
PYTHON
}

# expect_routes SHARDS
expect_routes() {
  local seed=$RANDOM
  echo "seed $seed"
  make_keys "$seed"
  expect_equal "$(wc -l <keys)" 10000
  expected_shards "$1" >expected
  cut -f 1,2 expected >expected_routes
  expect_silence stream-create --shards "$1" s

  # Each key is the whole line.
  expect_success stream-put --ack --key-regex '.*' s keys
  cut -f 1 "$STDOUT" | paste keys - >got
  expect_same got expected_routes
  stream-get --json s | jq -r '[.data, .shard] | join("\t")' | LC_ALL=C sort >got
  LC_ALL=C sort expected_routes >sorted
  expect_same got sorted
  stream-get --json s | jq -e 'select(.key != .data)' >different || true
  expect_empty different

  # As many arguments as fit.
  sed 's/^/--shard-for=/' keys | xargs -d '\n' stream-stats s >got
  expect_same got expected
}

@test "keys and 1 shard" { expect_routes 1; }
@test "keys and 2 shards" { expect_routes 2; }
@test "keys and 3 shards" { expect_routes 3; }
@test "keys and 7 shards" { expect_routes 7; }
@test "keys and 64 shards" { expect_routes 64; }
@test "keys and 1000 shards" { expect_routes 1000; }

@test "the same key goes the same way, however it was given" {
  expect_silence stream-create --shards 1000 s
  local key
  for key in a é 🦊 'two words' customer-17; do
    echo x | stream-put --ack --key "$key" s | cut -f 1 >one
    echo "x,$key" | stream-put --ack --key-field 2 -F , s | cut -f 1 >>one
    echo "key=$key" | stream-put --ack --key-regex '=(.*)' s | cut -f 1 >>one
    echo x | stream-put --ack --key-field 9 --missing-key "$key" s | cut -f 1 >>one
    stream-stats --shard-for "$key" s | cut -f 2 >>one
    expect_equal "$(sort one | uniq -c | awk '{ print $1 }')" 5
  done
}

@test "--shard-for tells shard and hash key, in JSON too" {
  expect_silence stream-create --shards 4 s
  expect_success stream-stats --shard-for hello --shard-for 'é "x"' s
  expect_equal "$(cut -f 3 "$STDOUT")" "$(python3 -c '
import hashlib
for key in "hello", "é \"x\"":
    print(int(hashlib.md5(key.encode()).hexdigest(), 16))')"
  cp "$STDOUT" lines
  expect_success stream-stats --json --shard-for hello --shard-for 'é "x"' s
  jq -r '[.key, .shard, .hash_key] | join("\t")' "$STDOUT" >got
  expect_same got lines
}

@test "--shard-for of a key that is not valid is a usage error" {
  expect_silence stream-create s
  expect_failure 64 "is empty" stream-stats --shard-for '' s
  expect_failure 64 "UTF-8" stream-stats --shard-for $'\xff' s
  expect_failure 64 "257 characters" stream-stats --shard-for "$(printf '%0257d' 0)" s
}
