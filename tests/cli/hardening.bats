#!/usr/bin/env bats
# What makes a mistake in memory harder to exploit is in every program.

load helpers

@test "every program is hardened" {
  local program binary
  for program in create get put reshard stats; do
    binary="$SHARDLOG_BIN/stream-$program"
    readelf -lW "$binary" | grep -q 'GNU_RELRO' || fail "$program: no RELRO"
    readelf -lW "$binary" | grep 'GNU_STACK' | grep -q ' RW ' || fail "$program: an executable stack"
    readelf -dW "$binary" | grep -q 'Flags: NOW PIE' || fail "$program: bound late, or not position independent"
    readelf -sW "$binary" | grep -q '__stack_chk_fail' || fail "$program: no stack protector"
  done
}
