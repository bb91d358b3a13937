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

@test "stream-reshard says what an action is, and where STREAM goes" {
  expect_failure 64 "'orders' is not an action; split, merge or scale comes before STREAM; did you mean: stream-reshard scale orders 8" \
    stream-reshard orders scale 8
  expect_failure 64 "'orders' is not an action; split, merge or scale comes before STREAM" stream-reshard orders
  expect_failure 64 "'slpit' is not an action.*; did you mean 'split'\?" stream-reshard slpit orders 0
  expect_failure 64 "scale takes STREAM and the number of shards: stream-reshard scale STREAM N" stream-reshard scale orders
  expect_failure 64 "merge takes STREAM and two SHARDs: stream-reshard merge STREAM SHARD SHARD" stream-reshard merge
}
