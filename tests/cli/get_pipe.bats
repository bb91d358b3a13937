#!/usr/bin/env bats
# Large commits into a pipe: their lines are not copied, but handed over as pages of the stream's files. A reader must not be
# able to tell the difference.

load helpers

# 6 MB in one segment, in several batches.
large_stream() {
  seq -f '%099.0f' 60000 >lines
  expect_silence stream-create --compression none --shards 1 "$@" s && expect_silence stream-put s lines
  [ -e s/stream.00000001 ] || fail "there is no segment"
}

# What a socket gets.
through_socket() {
  python3 -c '
import socket, subprocess, sys
ours, theirs = socket.socketpair()
get = subprocess.Popen(sys.argv[1:], stdout=theirs)
theirs.close()
while piece := ours.recv(65536):
    sys.stdout.buffer.write(piece)
sys.exit(get.wait())' "$@"
}

is_full_pipe() {
  local before=${unread:-0}
  unread=$(unread_bytes "$1")
  [ "$unread" -gt 900000 ] && [ "$unread" -eq "$before" ]
}

@test "a pipe, a file and a socket get the same bytes" {
  large_stream
  put s small  # in the database, after the pages
  echo small >>lines
  stream-get s | cmp - lines
  stream-get s >out
  cmp out lines
  through_socket stream-get s | cmp - lines
}

@test "records are chosen within what could be handed over" {
  large_stream
  stream-get s -n 25000 | cmp - <(head -n 25000 lines)
  stream-get s --from last:35000 | cmp - <(tail -n 35000 lines)
  stream-get s --delimiter ';' | cmp - <(tr '\n' ';' <lines)
}

@test "a reader that has seen enough ends it by SIGPIPE" {
  large_stream
  stream-get s | head -c 3000000 >out
  expect_equal "${PIPESTATUS[*]}" "141 0"
  head -c 3000000 lines | cmp - out
}

@test "of a damaged batch nothing goes into the pipe" {
  large_stream
  # 8 KiB, because less may lie between two commits.
  head -c 8192 /dev/zero | dd of=s/stream.00000001 bs=4096 seek="$(($(stat -c %s s/stream.00000001) / 8192))" conv=notrunc status=none
  expect_status 65 stream-get s
  stream-get s 2>"$STDERR" | cat >out
  expect_equal "${PIPESTATUS[*]}" "65 0"
  expect_stderr_line "'s': batch [0-9]*: .*checksum"
  [ -s out ] || fail "nothing of what is before the damage"
  expect_same out "$STDOUT"
  head -c "$(wc -c <out)" lines | cmp - out
}

@test "what waits in the pipe stays as it was when the records are trimmed and others are put" {
  large_stream
  begin_for_reader stream-get s
  wait_until is_full_pipe "$READER"
  expect_silence stream-create --update --retention 1us s
  [ ! -e s/stream.00000001 ] || fail "the segment was not trimmed"
  tr 0-9 a-j <lines >others
  expect_silence stream-put s others
  cat <&"$READER" >out
  expect_exit 1
  grep -q '^stream-get: gap: .* trimmed$' "$STDERR"
  [ "$(wc -c <out)" -ge 900000 ] || fail "less than the pipe held"
  head -c "$(wc -c <out)" lines | cmp - out
}

@test "a follower gets large commits while they are put" {
  seq -f '%099.0f' 60000 >lines
  expect_silence stream-create --compression none --shards 1 s
  begin_for_reader stream-get s --follow
  put s first
  expect_silence stream-put s lines
  put s last
  head -c "$((6 + 100 * 60000 + 5))" <&"$READER" >out
  (echo first && cat lines && echo last) | cmp - out
  expect_end_by TERM
}
