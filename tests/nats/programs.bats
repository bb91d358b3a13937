#!/usr/bin/env bats
# The programs with addresses of NATS. The cluster is that of tests/nats/cluster.

load ../cli/helpers

cluster() {
  "$SHARDLOG_SOURCE/tests/nats/cluster" "$1" "$SHARDLOG_NATS_CLUSTER" "${@:2}"
}

# The programs somewhere else, with no module beside them.
without_module() {
  mkdir -p elsewhere/bin
  cp "$SHARDLOG_BIN/stream-get" elsewhere/bin
}

@test "a name of NATS stands for a stream of the servers in NATS_URL" {
  unset STREAM_DIR
  expect_silence stream-create nats:orders?replicas=1
  put nats:orders one two
  expect_data nats:orders $'one\ntwo'
  expect_data "${NATS_URL%%,*}/orders" $'one\ntwo' 2>/dev/null || \
    expect_data "nats://$NATS_USER:$NATS_PASSWORD@${NATS_URL##*nats://}/orders" $'one\ntwo'
}

@test "streams are listed and removed" {
  unset STREAM_DIR
  expect_silence stream-stats -q nats: --json
  for name in orders a; do new_stream "nats:$name?replicas=1"; done
  expect_success stream-stats nats: --json
  expect_equal "$(jq -r .stream "$STDOUT")" $'a\norders'
  expect_success stream-stats nats:
  grep -qE '^a +1 ' "$STDOUT" || fail "$(cat "$STDOUT")"
  expect_silence stream-create --remove nats:a
  expect_equal "$(stream-stats nats: --json | jq -r .stream)" orders
  expect_failure 66 "stream 'nats:a'" stream-get nats:a
  expect_failure 66 "did you mean nats:orders\?" stream-get nats:order
}

@test "what the engine cannot do is refused by its option before anything is done" {
  expect_failure 64 "^stream-create: --group: the engine 'nats' cannot do that" stream-create s --group root
  expect_failure 64 "^stream-create: --force: the engine 'nats' cannot do that" stream-create s --force
  expect_failure 64 "^stream-create: --limits: the engine 'nats' cannot do that" stream-create s --limits kinesis
  expect_failure 66 . stream-get s
  new_stream s
  expect_failure 64 '^stream-create: --repair-clock: ' stream-create s --update --repair-clock
  expect_failure 64 '^stream-create: --accept-loss: ' stream-create s --update --accept-loss
  expect_failure 64 '^stream-create: --limits: ' stream-create s --update --write-records 10
  expect_failure 64 '^stream-put: --keep-times: ' stream-put s --frames --keep-times /dev/null
  expect_failure 64 '^stream-put: --sync full: ' stream-put s --sync full /dev/null
  expect_no_records s
}

@test "an acknowledgement survives what -v, the page and the JSON say" {
  expect_success stream-create one -v 2>/dev/null || true
  expect_equal "$(cat "$STDERR")" "stream-create: stream 'nats:one?replicas=1': what is stored survives the end of any process"
  expect_equal "$(figures one .survives)" '"process-end"'
  export STREAM_DIR=nats:
  stream-create three -v 2>"$STDERR"
  expect_equal "$(cat "$STDERR")" "stream-create: stream 'nats:three': what is stored survives the loss of a machine"
  expect_equal "$(figures three .survives)" '"machine-loss"'
  stream-stats three -v | grep -q '^stored  *survives the loss of a machine$'
  echo one | expect_silence stream-put three --sync full
  expect_data three one
}

@test "a stream crosses over from a directory, exactly once, while it is in use" {
  local all
  unset STREAM_DIR
  new_stream orders --shards 2
  seq 1000 | sed 's/.*/c& order/' >input
  expect_silence stream-put orders --key-field 1 input
  new_stream 'nats:orders?replicas=1' --shards 4
  stream-get orders --frames | head -c 20000 | stream-put nats:orders --frames --producer move 2>/dev/null || true
  stream-get orders --frames | expect_silence stream-put nats:orders --frames --producer move
  echo 'c5 last' | expect_silence stream-put orders --key-field 1
  stream-get orders --frames | expect_silence stream-put nats:orders --frames --producer move
  all=$(contents orders)
  [ "$(wc -l <<<"$all")" -eq 1001 ] || fail "$(wc -l <<<"$all") records"
  expect_equal "$(contents nats:orders)" "$all"
  expect_equal "$(stream-get nats:orders --key c5)" "$(stream-get orders --key c5)"
}

@test "no message shows a password" {
  unset STREAM_DIR NATS_USER NATS_PASSWORD
  local with="nats://me:secret@${NATS_URL##*nats://}"
  expect_status 77 stream-get "$with/orders"
  expect_status 77 stream-stats "$with/"
  expect_status 77 stream-create -v "$with/orders"
  for each in "$with/a b" "$with/orders?what=ever" "nats://me:secret@nowhere.invalid:1/orders"; do
    stream-get --timeout 100ms "$each" >>messages 2>&1 || true
  done
  cat "$STDERR" >>messages
  ! grep secret messages || fail "$(cat messages)"
}

@test "without servers a program waits for its timeout and exits with 75" {
  export NATS_URL=nats://127.0.0.1:1
  unset STREAM_DIR
  expect_failure 75 "nats:orders|servers?" stream-get --timeout 200ms nats:orders
}

@test "without the module a program says what to install" {
  without_module
  unset STREAM_DIR
  [ ! -e /usr/local/lib/shardlog/nats.so ] || skip "it is installed"
  expect_failure 64 "stream 'nats:orders': the engine for NATS is not there: install libnats" elsewhere/bin/stream-get nats:orders
  new_stream here
  put here one
  expect_success elsewhere/bin/stream-get here
  expect_stdout one
}

@test "the module is found beside a tree that was moved, through a link, and by the shared library" {
  unset STREAM_DIR
  new_stream 'nats:orders?replicas=1'
  put nats:orders one
  mkdir -p moved/bin moved/lib/shardlog
  cp "$SHARDLOG_BIN/stream-get" moved/bin
  cp "$SHARDLOG_BIN/../lib/shardlog/nats.so" moved/lib/shardlog
  ln -s moved/bin/stream-get linked
  expect_success moved/bin/stream-get nats:orders
  expect_stdout one
  expect_success ./linked nats:orders
  expect_stdout one
  (PATH=$PWD/moved/bin:$PATH && cd / && stream-get nats:orders) | grep -qx one
}

@test "the programs load none of the module's libraries" {
  local program
  for program in create get put reshard stats serve; do
    ! ldd "$SHARDLOG_BIN/stream-$program" | grep -E 'nats|ssl|crypto' || fail "stream-$program loads it"
  done
}
