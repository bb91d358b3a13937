#!/usr/bin/env bats
# stream-create --compression: smaller batches, and nothing else changes.

load helpers

# input N: N lines that repeat much, as logs do.
input() {
  seq "$1" | sed 's|.*|{"level":"INFO","service":"shop","request":&,"message":"request done"}|'
}

# stored STREAM: bytes on disk.
stored() {
  stream-stats --json "$1" | jq .stored_bytes
}

@test "records come back as they were, from fewer bytes" {
  local compression
  input 100000 >input
  for compression in none lz4 zstd; do
    expect_silence stream-create "$compression" --compression "$compression" --shards 2
    expect_silence stream-put "$compression" input
    stream-get "$compression" | cmp - input
    expect_success stream-stats --verify "$compression"
    expect_equal "$(stream-stats --json "$compression" | jq -c '[.records, .bytes, .compression]')" \
      "[100000,$(($(wc -c <input) - 100000)),\"$compression\"]"
  done
  [ "$(stored lz4)" -lt $(($(stored none) / 4)) ] || fail "lz4 takes $(stored lz4) of $(stored none)"
  [ "$(stored zstd)" -lt "$(stored lz4)" ] || fail "zstd takes $(stored zstd), lz4 $(stored lz4)"
}

@test "zstd is what a new stream has" {
  expect_silence stream-create s
  expect_equal "$(stream-stats --json s | jq -r .compression)" zstd
  stream-stats s -v | grep -qx 'record     at most 1.0 MiB, compression zstd'
}

@test "a change is one for what comes" {
  expect_silence stream-create s --compression none
  input 20000 >input
  expect_silence stream-put s input
  local before after
  before=$(stored s)
  expect_silence stream-create s --update --compression lz4
  expect_silence stream-put s input
  after=$(stored s)
  [ $((after - before)) -lt $((before / 4)) ] || fail "$before bytes, then $after"
  stream-get s | cmp - <(cat input input)
}

@test "what cannot be compressed takes no more than it would without" {
  head -c 1000000 /dev/urandom >bytes
  local compression
  for compression in none lz4 zstd; do
    expect_silence stream-create "$compression" --compression "$compression"
    expect_silence stream-put "$compression" --whole bytes
    stream-get "$compression" -d '' | cmp - bytes
    expect_equal "$(stored "$compression")" "$(stored none)"
  done
}

@test "a stream moves by frames as it is, and is compressed anew where it goes" {
  input 50000 >input
  expect_silence stream-create a --compression lz4
  expect_silence stream-create b --compression none
  expect_silence stream-put a input
  stream-get a --frames | expect_silence stream-put b --frames
  stream-get b | cmp - input
  [ "$(stored b)" -gt $((4 * $(stored a))) ] || fail "a $(stored a), b $(stored b)"
}

@test "a word that is not a compression is a usage error" {
  expect_failure 64 "'gzip' is neither none, lz4 nor zstd" stream-create s --compression gzip
  [ ! -e s ]
}
