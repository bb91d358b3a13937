#!/usr/bin/env bats
# A command line that is wrong: the message names what was probably meant.

load helpers

@test "a misspelt option comes before whatever else is wrong" {
  expect_failure 64 '^stream-get: --folow: did you mean --follow\? \(see stream-get --help\)$' stream-get --folow --idle-exit 1s
  expect_failure 64 ': -follow: did you mean --follow\?' stream-get -follow s
  expect_failure 64 ': --jsn: did you mean --json\?' stream-put --jsn --key-field x --rate 0 a b
  expect_failure 64 ': --shard: did you mean --shards\?' stream-create --shard=4 --retention never
  expect_failure 64 ': --dry: did you mean --dry-run\?' stream-reshard --dry nonsense
  expect_failure 64 ': --something-else: there is no such option' stream-stats --something-else
  expect_silence stream-create -- --folow
}

@test "arguments are named as they were typed, in the parser's words nowhere" {
  expect_failure 64 ": STREAM is missing" stream-get
  expect_failure 64 ": unexpected arguments 'b' 'c' after STREAM 'a'" stream-get a -f b c
  expect_failure 64 ": -count: did you mean --count\?" stream-get -count 5 a
  expect_failure 64 ": --count wants a value: --count N" stream-get a -n
  expect_failure 64 ": --follow takes no value" stream-get a --follow=yes
  expect_failure 64 ": --idle-exit needs --follow" stream-get a --idle-exit 1s
  expect_failure 64 ": --frames does not go with --json|: --json does not go with --frames" stream-get a --json --frames
  expect_failure 64 ": --key is given twice, as 'a' and as 'b': it takes one KEY" stream-put s -k a -k b </dev/null
}

@test "a word that is none of the choices: the nearest one" {
  expect_failure 64 "--sync 'ful' is neither full nor normal; did you mean 'full'\?" stream-put s --sync ful
  expect_failure 64 "--compression 'ztsd' is neither none, lz4 nor zstd; did you mean 'zstd'\?" stream-create s --compression ztsd
  expect_failure 64 "--on-failure 'skpi' .*; did you mean 'skip'\?" stream-get s -c x --exec cat --on-failure skpi
}

@test "no such stream: the nearest name, and how to create it" {
  expect_failure 66 "^stream-get: stream 'orders': no such stream; to create it: stream-create orders$" stream-get orders
  expect_silence stream-create orders
  expect_failure 66 "'ordres': no such stream; did you mean orders\? Or to create it: stream-create ordres$" stream-get ordres
  expect_failure 66 "did you mean orders\? Or" stream-put oders </dev/null
  expect_failure 66 "did you mean orders\? Or" stream-stats orders2
  expect_failure 66 "did you mean orders\? Or" stream-reshard scale order 2
  expect_failure 66 "did you mean orders\? Or" stream-create --update order
  expect_failure 66 "to create it: stream-create 'a b/c'$" stream-get 'a b/c'
  mkdir elsewhere
  STREAM_DIR=elsewhere expect_failure 66 "did you mean ./orders\? Or to create it: stream-create elsewhere/orders" stream-get orders
  STREAM_DIR=$PWD expect_failure 66 "'$PWD/order': .*did you mean $PWD/orders\? Or" stream-get order
  expect_failure 66 "did you mean orders\?" stream-get orders -c x --exec cat --into ordrs
}

@test "a directory that is not a stream: the streams in it" {
  mkdir -p streams/empty
  expect_failure 66 "'streams': not a stream: the directory holds no stream.db$" stream-get streams
  expect_silence stream-create streams/orders
  expect_failure 66 "holds no stream.db; did you mean streams/orders\?" stream-get streams/
  expect_silence stream-create streams/billing
  expect_failure 66 "holds no stream.db; it holds streams, such as streams/billing$" stream-get streams
  touch file
  expect_failure 66 "'file': not a stream: it is not a directory$" stream-get file
}

@test "no such shard, consumer or producer: what there is" {
  expect_silence stream-create s --shards 4
  expect_failure 66 "shardId-000000000007: no such shard; the stream has shards 0 to 3$" stream-get s --shard 7
  expect_failure 66 "shardId-000000000007: no such shard; the stream has shards 0 to 3$" stream-reshard split s 7
  expect_failure 66 "consumer 'biling': no such consumer; the stream has none$" stream-get s -c biling --forget
  echo a | expect_silence stream-put s --producer import-7 -k a
  expect_status 0 stream-get s -c billing
  expect_failure 66 "consumer 'biling': no such consumer; did you mean 'billing'\?$" stream-get s -c biling --forget
  expect_failure 66 "consumer 'biling': no such consumer; did you mean 'billing'\?$" stream-get s -c biling --no-checkpoint
  expect_failure 66 "consumer 'x': no such consumer; the stream has 'billing'$" stream-stats s -c x
  expect_failure 66 "producer 'import-8': no such producer; did you mean 'import-7'\?$" stream-put s --producer import-8 --forget
}

@test "stream-reshard says what an action is, and where STREAM goes" {
  expect_failure 64 "'orders' is not an action; split, merge, scale or auto comes before STREAM; did you mean: stream-reshard scale orders 8" \
    stream-reshard orders scale 8
  expect_failure 64 "'orders' is not an action; split, merge, scale or auto comes before STREAM" stream-reshard orders
  expect_failure 64 "'slpit' is not an action.*; did you mean 'split'\?" stream-reshard slpit orders 0
  expect_failure 64 "scale takes STREAM and the number of shards: stream-reshard scale STREAM N" stream-reshard scale orders
  expect_failure 64 "merge takes STREAM and two SHARDs: stream-reshard merge STREAM SHARD SHARD" stream-reshard merge
}

@test "a position that is none: one line with the nearest guess" {
  expect_silence stream-create s
  expect_failure 64 "--from 'yesteday' is not a position; did you mean 'yesterday'\?$" stream-get s --from yesteday
  expect_failure 64 "--until '2026/11/25' is not a position; did you mean '2026-11-25'\?$" stream-get s --until 2026/11/25
  expect_failure 64 "--seek 'lastest' is not a position; did you mean 'latest'\?$" stream-get s -c x --seek lastest
  expect_failure 64 "--from '2026-11-25T21' is not a position; did you mean '2026-11-25T21:00'\?$" stream-get s --from 2026-11-25T21
  expect_failure 64 "--from 'last:x' is not a position: last:N takes a number of records$" stream-get s --from last:x
}

@test "positions as other programs name and print them" {
  expect_silence stream-create s
  put s a
  local before
  for before in earliest beginning today 1h '2 hours ago' "$(date -d -1hour)" "$(date -R -d -1hour)" "$(date -Is -d -1hour)" \
    "$(date -Ins -d -1hour)" "$(date +%s -d -1hour)" "$(date +@%s%3N -d -1hour)"; do
    expect_success stream-get s --from "$before"
    expect_stdout a
    expect_silence stream-get s --until "$before"
  done
  expect_success stream-get s --until end
  expect_stdout a
}

@test "stream-put says that it reads from a terminal, unless it is to be quiet" {
  expect_silence stream-create s
  python3 "$SHARDLOG_SOURCE/tests/cli/on_keyboard.py" "Ctrl-D ends the input" 'a\n\x04' -- stream-put s >"$STDOUT"
  grep -qx "stream-put: reading from the terminal; Ctrl-D ends the input" "$STDOUT"
  python3 "$SHARDLOG_SOURCE/tests/cli/on_keyboard.py" -- bash -c 'stream-put -q s <<<b; echo c >file; stream-put s file' >"$STDOUT"
  expect_empty "$STDOUT"
  expect_data s $'a\nb\nc'
}

@test "the first Ctrl-C with a command running says that it waits, and the second one kills" {
  expect_silence stream-create s
  put s a
  local status=0
  python3 "$SHARDLOG_SOURCE/tests/cli/on_keyboard.py" started '\x03' "a second Ctrl-C kills it" '\x03' -- \
    stream-get -c x s --exec 'echo started; exec sleep 60' >"$STDOUT" || status=$?
  expect_equal "$status" 130
}

@test "stream-put with a record where a FILE is expected shows the pipe that was meant" {
  expect_silence stream-create jobs
  expect_failure 66 "read 'hello': .*; did you mean: echo hello 'big world' \| stream-put jobs$" stream-put jobs hello 'big world'
  echo a >file
  expect_failure 66 "read 'hello': .*committed$" stream-put jobs hello file
}

@test "input that is not of the framing asked for: what that takes" {
  expect_silence stream-create s
  expect_failure 65 "line 1 .*not valid JSON; no records committed; without --json each line is stored as it is$" stream-put s --json <<<hello
  expect_failure 65 "frame: .*; --frames takes what stream-get --frames writes$" stream-put s --frames <<<hello
  expect_failure 65 "did you mean --key-json\?; no records committed$" stream-put s --json <<<'{"user":1}'
}

@test "--at-key on another shard than the key's names the right one" {
  expect_silence stream-create s --shards 4
  expect_success stream-stats s --shard-for k
  local right=$(cut -f 2 "$STDOUT") wrong=0
  [ "$right" != shardId-000000000000 ] || wrong=1
  expect_failure 64 "--at-key 'k': its shard is $right, not shardId-00000000000$wrong" stream-reshard split s "$wrong" --at-key k
  expect_silence stream-reshard split s "$right" --at-key k
}

@test "--format without a field warns" {
  expect_silence stream-create s
  put s a
  expect_status 0 stream-get s --format data
  expect_stdout data
  expect_stderr_line "--format 'data' has no field such as \{data\}: every line is the same"
  expect_success stream-get s -q --format data
  expect_success stream-get s --format '{data}'
}

@test "a name with the slash that completion adds is shown without it" {
  expect_silence stream-create s//
  [[ $(stream-stats s/) == "s  1 shard open"* ]]
  expect_equal "$(stream-stats s/ --json | jq -r .stream)" s
  expect_failure 73 "stream 's': the name is taken" stream-create s/
  expect_failure 66 "'s2': no such stream; to create it: stream-create s2$" stream-get s2/
}
