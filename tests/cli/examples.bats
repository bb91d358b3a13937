#!/usr/bin/env bats
# Whatever README.md and the manual show works as it is typed, in order, in a fresh directory, with small made-up inputs.

load helpers
load examples

setup_file() {
  export DAY
  DAY=$(command date -I)
}

# What the examples read and start.
make_inputs() {
  TODAY=$DAY YESTERDAY=$(command date -I -d "$DAY - 1 day")
  mkdir -p out archive src tests
  script tests/demo ": build the programs, which are built" && [ -x "$SHARDLOG_SOURCE/tests/demo" ]
  script tests/demo-serve ": build the programs, which are built" && [ -x "$SHARDLOG_SOURCE/tests/demo-serve" ]
  script tests/run ": run this test" && [ -x "$SHARDLOG_SOURCE/tests/run" ]
  printf '1,anna,12\n2,customer-17,20\n3,alice,bad\n4,bob,40\n' | tee may.csv >orders.csv
  printf 'customer,text\nanna,"two\nlines"\n' >export.csv
  printf '2026-01-31 failed\n  at Main.main\n2026-01-31 stopped\n' >java.log
  tr , '\t' <orders.csv >orders.tsv
  printf 'ERROR: user=17 left\nstarted\nuser=18 came\n' >app.log
  printf '{"customer":{"id":7},"user":"anna"}\n{"user":"bob"}\n' >app.json
  printf '{"user":{"id":1}}\nnot JSON\n{"user":{"id":2}}\n' >events.json
  echo one >src/first
  echo two >src/second
  script ship.sh 'if grep bad >&2; then exit 1; fi'
  script load.sh 'cat >/dev/null'
  script bill.sh 'cat >/dev/null'
  script only-big.sh 'grep 40 || true'
  printf '#!/usr/bin/awk -f\nBEGIN { FS = "," }\n{ print $2, $3 }\n' >total.awk
  chmod +x total.awk
}

script() {
  printf '#!/bin/sh\n%s\n' "$2" >"$1"
  chmod +x "$1"
}

# The streams that the pages of the programs suppose. A consumer has read of orders.
make_streams() {
  local stream
  for stream in "$@"; do stream-create "$stream" --shards 4; done
  stream-put orders --key-field 2 -F, orders.csv
  stream-get orders -q -c billing --exec ./bill.sh
}

expect_page() {
  expect_examples "$SHARDLOG_SOURCE/man/$1"
}

# keyed STREAM: its records with their keys, whatever shards they are in.
keyed() {
  command stream-get "$1" --json | jq -c '[.key, .data]' | sort
}

# expect_once PATTERN STREAM: the example of that pattern, run again, stores nothing in the stream.
expect_once() {
  local command before
  command=$(example "$1") before=$(keyed "$2")
  run_example "$command" >"$STDOUT" 2>"$STDERR" || fail "$command: $(cat "$STDERR")" || return
  expect_equal "$2: $(keyed "$2")" "$2: $before"
}

@test "README.md: what each command does, and that what stores exactly once can be typed twice" {
  make_inputs
  expect_examples "$SHARDLOG_SOURCE/README.md"
  expect_equal "$(command stream-get events)" $'{"user":{"id":1}}\n{"user":{"id":2}}'
  expect_equal "$(command stream-get errors)" $'ERROR: new'
  # orders.csv, may.csv, one line of tail, and each of the two bad records put back
  expect_equal "$(keyed orders | sort | uniq -c | awk '{ print $1, $2 }')" \
    $'4 ["alice","3,alice,bad"]\n2 ["anna","1,anna,12"]\n1 ["anna","5,anna,new"]\n2 ["bob","4,bob,40"]\n2 ["customer-17","2,customer-17,20"]'
  expect_equal "$(keyed standby/orders)" "$(keyed orders)"
  [ ! -e copy ] && [ ! -e old ] || fail "the stream is not removed"
  expect_once '*--producer may *' orders
  expect_once '*-c redrive*' orders
  expect_once '*-c errors*' errors
  (cd standby && keyed orders) >before
  run_example "$(example '*| ssh standby stream-put*')"
  expect_equal "$(cd standby && keyed orders)" "$(cat before)"
}

@test "shardlog(7): its examples" {
  make_inputs
  expect_page shardlog.7
  expect_equal "$(keyed standby/orders)" "$(keyed orders)"
  [ ! -e builds ] || fail "the stream is not removed"
}

@test "stream-create(1): its examples" {
  expect_page stream-create.1
  [ ! -e orders ] || fail "the stream is not removed"
}

@test "stream-put(1): its examples" {
  make_inputs
  make_streams orders logs names files copy lower few
  command stream-create jobs
  expect_page stream-put.1
  expect_equal "$(command stream-get names | sort)" $'src/first\nsrc/second'
}

@test "stream-get(1): its examples" {
  make_inputs
  make_streams orders logs names copy errors bad big-orders
  printf 'src/first\0' | stream-put names -0
  stream-put logs app.log
  expect_page stream-get.1
  expect_equal "$(command stream-get errors)" "ERROR: user=17 left"
}

@test "stream-reshard(1): its examples" {
  command stream-create orders --shards 4
  seq 1000 | sed 's/.*/c& order/' | stream-put orders --key-field 1
  expect_page stream-reshard.1
}

@test "stream-stats(1): its examples" {
  make_inputs
  make_streams orders
  STREAM_DIR=$PWD expect_page stream-stats.1
}

# --- tasks ---------------------------------------------------------------------------------------------------------------------

introduction() {
  make_inputs
  read_examples "$SHARDLOG_SOURCE/man/shardlog.7"
}

# run_task PATTERN: the example of the introduction that matches; its output is left in $STDOUT.
run_task() {
  local command
  command=$(example "$1") && run_example "$command" >"$STDOUT" 2>"$STDERR" || fail "$command: $(cat "$STDERR")"
}

# writes STREAM: a writer that has the stream open, which is fed by descriptor $FEED.
writes() {
  feed lines
  start stream-put "$1" --ack <lines
  echo first >&"$FEED"
  wait_until has_lines 1 "$OUTPUT"
}

@test "a follower of a log gets what comes after its start, with tail itself" {
  unset -f tail stream-get
  printf 'ERROR: old\n' >app.log
  read_examples "$SHARDLOG_SOURCE/README.md"
  {
    echo 'grep() { command grep --line-buffered "$@"; }'  # as it is on a terminal
    for part in 'stream-create logs' 'tail *app.log*' 'stream-get logs -f *'; do example "$part" && echo; done
  } >script
  start setsid bash script  # a group of its own, so that all of it can be ended
  comes() {
    echo "ERROR: new" >>app.log
    [ -s "$OUTPUT" ]
  }
  wait_until comes
  kill -TERM -- "-$PID"
  wait_until is_gone "-$PID"
  expect_equal "$(sort -u "$OUTPUT")" "ERROR: new"
}

@test "mv renames a stream with its consumers, and a writer that has it open stores nothing more" {
  introduction
  stream-create build
  writes build
  stream-get build -q -c reader --exec cat >/dev/null
  run_task 'mv *'
  echo second >&"$FEED"
  exec {FEED}>&-
  expect_exit 66
  expect_records builds <(echo first)
  expect_silence stream-get builds -c reader --exec cat
}

@test "stream-create --remove deletes a stream, and a writer that has it open stores nothing more" {
  introduction
  stream-create builds
  writes builds
  run_task 'stream-create --remove *'
  echo second >&"$FEED"
  exec {FEED}>&-
  expect_exit 66
  [ "$(wc -l <"$STDOUT")" -eq 1 ] || fail "acknowledged: $(cat "$STDOUT")"
  [ ! -e builds ]
}

@test "dead letters are put back exactly once, with their keys" {
  introduction
  stream-create orders --shards 4
  printf '3,alice,bad\xff\n4,bob,40\n' | stream-put orders --key-field 2 -F,
  run_task 'stream-create bad *'
  run_example "$(example '*dead-letter:bad*')" && fail "no record was left out"
  expect_equal "$(stream-get bad | wc -l)" 1
  run_task '*-c redrive *'
  run_task '*-c redrive *'
  expect_equal "$(stream-get orders --format '{key} {data:base64}' | sort | uniq -c | awk '{ print $1, $2, $3 }')" \
    "2 alice $(printf '3,alice,bad\xff' | base64)"$'\n'"1 bob $(printf 4,bob,40 | base64)"
  stream-get orders -c ship --exec cat >again
  expect_same again <(printf '3,alice,bad\xff\n')
}

@test "a file a day has the records of that day, and is the same when it is written again" {
  introduction
  stream-create orders
  put orders one two
  arrived=$(stream-get orders --json -n 1 | jq -r '.arrived[:10]')
  YESTERDAY=$arrived TODAY=$(command date -I -d "$arrived + 2 days")  # two: midnight may be between the records
  run_task '*day=*' && run_task '*day=*'
  expect_same "archive/$arrived" <(printf 'one\ntwo\n')
  TODAY=$arrived YESTERDAY=$(command date -I -d "$arrived - 1 day")
  run_task '*day=*'
  expect_empty "archive/$YESTERDAY"
}

@test "a wait for a key ends with its record" {
  introduction
  unset -f stream-get
  stream-create jobs
  run_example "$(example '*-k db1 --from *')" >got &
  BACKGROUND+=("$!")
  printf 'other\n' | stream-put jobs -k db2
  run_task 'echo backup-done *'
  wait_until is_gone "$!"
  expect_same got <(echo backup-done)
  run_task '*-k db1 --from *'  # it came earlier today
  expect_stdout backup-done
}

@test "an alert from cron: a consumer that is late, or is not there, and nothing else, prints a line" {
  introduction
  stream-create orders
  run_task '*age<10m*'
  expect_stdout late
  stream-get orders -q -c billing --exec cat
  run_task '*age<10m*'
  expect_empty "$STDOUT"
  put orders one
  run_task '*age<10m*'
  expect_empty "$STDOUT"
  command=$(example '*age<10m*')
  run_example "${command/age<10m/age<0s}" >got  # as if 10 minutes had gone by
  grep -q '^\./orders: billing: age is .* more than 0s$' got && grep -qx late got || fail "$(cat got)"
}

@test "a mail from cron has each new ERROR line once" {
  introduction
  stream-create logs
  stream-put logs app.log
  run_task '*-c mail *'
  expect_stdout "ERROR: user=17 left"
  run_task '*-c mail *'
  expect_empty "$STDOUT"
  expect_empty "$STDERR"
}

@test "a standby copy goes on where the connection broke" {
  introduction
  stream-create orders --shards 2
  for number in 1 2 3; do echo "$number" | stream-put orders -k "key-$number"; done
  run_task 'ssh standby stream-create *'
  command=$(example '*ssh standby stream-put *')
  cut=$(($(stream-get orders --frames | wc -c) / 2))
  run_example "${command/ |/ | head -c $cut |}" 2>/dev/null && fail "it did not notice the cut"
  [ "$(keyed standby/orders | wc -l)" -lt 3 ]
  run_task '*ssh standby stream-put *'
  run_task '*ssh standby stream-put *'
  expect_equal "$(keyed standby/orders)" "$(keyed orders)"
}
