#!/usr/bin/env bats
# What makes a mistake in memory harder to exploit is in every program, and in the shared library.

load helpers

# expect_hardened FILE FLAGS: what its dynamic section has to say is that it is bound early, a program also that it is
# position independent.
expect_hardened() {
  readelf -lW "$1" | grep -q 'GNU_RELRO' || fail "$1: no RELRO"
  readelf -lW "$1" | grep 'GNU_STACK' | grep -q ' RW ' || fail "$1: an executable stack"
  readelf -dW "$1" | grep -q "Flags: $2" || fail "$1: bound late, or not position independent"
  readelf -sW "$1" | grep -q '__stack_chk_fail' || fail "$1: no stack protector"
}

@test "every program is hardened" {
  local program
  for program in create get put reshard stats; do
    expect_hardened "$SHARDLOG_BIN/stream-$program" 'NOW PIE'
  done
}

@test "the shared library is hardened" {
  expect_hardened "$SHARDLOG_BIN/../lib/libshardlog.so" NOW
}

@test "the module of an engine is hardened, and shows one function" {
  local module=$SHARDLOG_BIN/../lib/shardlog/nats.so
  [ -e "$module" ] || skip "built without libnats"
  expect_hardened "$module" NOW
  expect_equal "$(nm -D --defined-only "$module" | cut -d ' ' -f 3)" shardlog_make_engine
}
