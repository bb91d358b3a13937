#!/usr/bin/env bats
# What makes room on a full disk needs room itself, which appends leave to it.

load helpers

setup_file() {
  export -f fill has_expired
}

# fill STREAM FILE: appends the file again and again until there is no room. Sets `filled` to how often.
fill() {
  filled=0
  while stream-put "$1" "$2" 2>"$STDERR"; do
    filled=$((filled + 1))
    [ "$filled" -lt 2000 ] || fail "the disk does not get full" || return
  done
  expect_stderr_line "full.*no records committed"
  [ "$filled" -gt 0 ] || fail "nothing was stored"
}

# on_small_disk SIZE SCRIPT: as in_private_mounts, with an empty file system of that size in mnt.
on_small_disk() {
  need_private_mounts "a small file system"
  mkdir mnt
  head -c 90000 /dev/urandom | base64 >large
  head -c 3000 /dev/urandom | base64 >small
  export -f wait_until
  in_private_mounts "mount -t tmpfs -o size=$1 none mnt"$'\n'"$2"
}

@test "a disk that was filled takes records again when all have expired" {
  on_small_disk 3m '
    for input in large small; do
      stream-create --compression none --retention 1h mnt/s
      fill mnt/s "$input"
      stream-create --update --retention 1us mnt/s
      wait_until has_expired mnt/s
      expect_silence stream-put mnt/s "$input"
      expect_success stream-stats --verify mnt/s
      rm -r mnt/s
    done'
}

@test "writers trim on a full disk by themselves" {
  on_small_disk 4m '
    stream-create --compression none --retention 3s mnt/s
    fill mnt/s large
    wait_until has_expired mnt/s
    expect_silence stream-put mnt/s large
    expect_success stream-stats --verify mnt/s'
}

@test "a disk is filled and expires 20 times" {
  on_small_disk 3m '
    stream-create --compression none mnt/s
    for cycle in {1..20}; do
      fill mnt/s large
      [ "$filled" -ge 5 ] || fail "cycle $cycle: only $filled fit"
      expect_silence stream-create --update --retention 1us mnt/s
      wait_until has_expired mnt/s
      expect_silence stream-create --update --retention 1h mnt/s
    done
    expect_success stream-stats --verify mnt/s'
}

@test "settings and shards can be changed on a full disk, and nothing is lost by it" {
  on_small_disk 4m '
    stream-create --compression none mnt/s
    fill mnt/s large
    until_now=$(stream-stats --json mnt/s | jq .records)
    expect_silence stream-create --update --tag a=b mnt/s
    expect_equal "$(stream-stats --json mnt/s | jq .records)" "$until_now"
    expect_success stream-stats --verify mnt/s
    expect_silence stream-reshard scale mnt/s 2'
}

@test "a limit on the size of files leaves room for trimming too" {
  head -c 90000 /dev/urandom | base64 >large
  expect_silence stream-create --compression none s
  ulimit -f 2048 # KiB
  fill s large
  [ "$filled" -ge 3 ]
  expect_silence stream-create --update --retention 1us s
  wait_until has_expired s
  expect_silence stream-put s large
  expect_success stream-stats --verify s
}

@test "a disk that was filled by large puts takes them again when all have expired" {
  seq -f "%099.0f" 60000 >lines # 6 MB: a put uses a segment
  on_small_disk 48m '
    stream-create --compression none --retention 1h mnt/s
    for i in {1..20}; do
      stream-put mnt/s lines 2>"$STDERR" || break
    done
    expect_stderr_line "the disk is full"
    [ "$(find mnt/s -name "stream.0*" | wc -l)" -ge 1 ] || fail "no put has used a segment"
    expect_success stream-stats --verify mnt/s
    expect_silence stream-create --update --retention 1us mnt/s
    wait_until has_expired mnt/s
    expect_silence stream-create --update --retention 1h mnt/s
    expect_silence stream-put mnt/s lines
    stream-get mnt/s | cmp - lines
    expect_success stream-stats --verify mnt/s'
}

@test "what killed programs have left on a full disk is removed" {
  seq -f "%099.0f" 60000 >lines # 6 MB: a put uses a segment
  on_small_disk 48m '
    stream-create --compression none mnt/s
    touch mnt/s/stream.00000001
    stream-put mnt/s lines
    expect_equal "$(find mnt/s -name "stream.0*")" mnt/s/stream.00000002
    free=$(df --output=avail -B1 mnt | tail -n 1)
    fallocate -l $((free - 1048576)) mnt/s/stream.00000001
    expect_silence stream-put mnt/s lines
    expect_equal "$(find mnt/s -name "stream.0*")" mnt/s/stream.00000002
    free=$(df --output=avail -B1 mnt | tail -n 1)
    fallocate -l $((free - 1048576)) mnt/s/stream.00000001
    expect_silence stream-create --update --retention 1h mnt/s
    expect_equal "$(find mnt/s -name "stream.0*")" mnt/s/stream.00000002
    expect_success stream-stats --verify mnt/s'
}
