#!/usr/bin/env bats
# A command line that is wrong: the message names what was probably meant.

load helpers

@test "a misspelt option comes before whatever else is wrong" {
  expect_failure 64 '^stream-get: --folow: did you mean --follow\? \(see stream-get -h\)$' stream-get --folow --idle-exit 1s
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
  expect_failure 66 "to create it: stream-create 'a b'$" stream-get 'a b'
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
  expect_failure 64 "'orders' is not an action; split, merge or scale comes before STREAM; did you mean: stream-reshard scale orders 8" \
    stream-reshard orders scale 8
  expect_failure 64 "'orders' is not an action; split, merge or scale comes before STREAM" stream-reshard orders
  expect_failure 64 "'slpit' is not an action.*; did you mean 'split'\?" stream-reshard slpit orders 0
  expect_failure 64 "scale takes STREAM and the number of shards: stream-reshard scale STREAM N" stream-reshard scale orders
  expect_failure 64 "merge takes STREAM and two SHARDs: stream-reshard merge STREAM SHARD SHARD" stream-reshard merge
}
