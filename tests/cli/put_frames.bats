#!/usr/bin/env bats
# stream-put --frames: batches as stream-get --frames writes them.

load helpers

@test "stream-get --frames | stream-put --frames is the same, with 1 and 16 shards" {
  python3 - >records <<'PYTHON'
import base64, json, random
r = random.Random(9)
for n in range(5000):
    record = {"data_base64": base64.b64encode(r.randbytes(r.randrange(60))).decode()}
    if r.random() < 0.6: record["key"] = "k%d" % r.randrange(50)
    if r.random() < 0.3: record["hash_key"] = str(r.randrange(2 ** 128))
    print(json.dumps(record))
PYTHON
  local from to
  for from in 1 16; do
    for to in 1 16; do
      remove a b
      new_stream a --shards "$from"
      new_stream b --shards "$to"
      expect_silence stream-put a --json records
      stream-get a --frames | expect_silence stream-put b --frames
      contents a >expected
      contents b >got
      expect_equal "$(wc -l <expected)" 5000
      expect_same got expected
      expect_success stream-stats --verify b
    done
  done
}

@test "keyless records keep their order" {
  new_stream a --shards 4
  new_stream b --shards 4
  seq 300000 >input
  expect_silence stream-put a input
  stream-get a --frames >frames
  expect_silence stream-put b --frames frames
  expect_records b input
}

@test "files of frames can be joined, and --ack tells of each record" {
  new_stream a
  new_stream b
  seq 100 | expect_silence stream-put a -k k
  stream-get a --frames >frames
  cat frames frames frames | expect_success stream-put b --frames --ack
  expect_equal "$(wc -l <"$STDOUT")" 300
  expect_equal "$(figures b .records)" 300
}

@test "a frame that is damaged or cut off is refused with its byte; those before it are stored" {
  new_stream a
  seq 100 | expect_silence stream-put a
  stream-get a --frames >frame
  local size seed=$RANDOM
  echo "seed $seed"
  size=$(stat -c %s frame)
  { cat frame; head -c $((size - 1)) frame; } >cut
  { cat frame; head -c 20 frame; } >short
  { cat frame frame; echo; } >behind
  python3 - "$seed" <<'PYTHON'
import random, sys
r = random.Random(int(sys.argv[1]))
frame = bytearray(open("frame", "rb").read())
at = r.randrange(len(frame))
while 8 <= at < 12: at = r.randrange(len(frame))  # the size: then more is wanted than there is
frame[at] ^= 1 << r.randrange(8)
open("damaged", "wb").write(open("frame", "rb").read() + frame)
PYTHON
  local file
  for file in cut short damaged; do
    remove b
    new_stream b
    expect_failure 65 "byte $size of '$file': frame: .*100 records committed" stream-put b --frames --on-error skip "$file"
  done
  expect_failure 65 "byte $((2 * size)) of 'behind': frame: cut off.*200 records committed" stream-put b --frames behind
}

@test "a record in a frame that the stream does not take is an error, or skipped" {
  new_stream a
  new_stream b --max-record-size 1KiB
  new_stream c --max-record-size 1KiB
  { echo one; printf 'x%.0s' {1..2000}; echo; echo two; } | expect_silence stream-put a
  stream-get a --frames >frames
  expect_failure 65 "byte 0 of 'frames': .*2000 bytes.*1024.*1 record committed" stream-put b --frames frames
  expect_status 1 stream-put c --frames --on-error skip frames
  expect_data c $'one\ntwo'
}
