#!/usr/bin/env bats
# What is not a stream, is no longer one, or cannot be used now: refused with a status and a line that says why.

load helpers

# Every program that opens a stream refuses this one.
expect_refused() {
  local status=$1 pattern=$2 stream=$3
  expect_failure "$status" "$pattern" stream-get "$stream"
  expect_failure "$status" "$pattern" stream-stats "$stream"
  expect_failure "$status" "$pattern" stream-stats --verify "$stream"
  expect_failure "$status" "$pattern" stream-put "$stream" </dev/null
  expect_failure "$status" "$pattern" stream-create --update --tag a=b "$stream"
}

# checksums FILE...: to see that nothing was changed.
checksums() {
  (cd "$1" && find . -type f ! -name '*-shm' -exec sha256sum {} + | sort)
}

# sql STREAM STATEMENT: what a foreign program might do to a stream. DEFENSIVE is its own business.
sql() {
  sqlite3 "$1/stream.db" "$2" >/dev/null
}

one_record_stream() {
  expect_silence stream-create "$1"
  put "$1" first
}

@test "a name that does not exist is not a stream" {
  expect_refused 66 "'s'.*no such stream" s
  expect_refused 66 "'missing/s'.*no such stream" missing/s
  [ -z "$(ls -A)" ]
}

@test "a file is not a stream, and nothing below a file is" {
  echo hello >file
  expect_refused 66 "'file'.*not a directory" file
  expect_refused 66 "'file/s'" file/s
  expect_equal "$(cat file)" hello
}

@test "an empty directory is not a stream, and stays empty" {
  mkdir empty
  expect_refused 66 "'empty'.*no stream" empty
  expect_refused 66 "'empty/'|'empty'" empty/
  [ -z "$(ls -A empty)" ]
}

@test "a named pipe is not a stream and nobody waits for it" {
  mkfifo pipe
  expect_refused 66 "'pipe'" pipe
  mkdir s
  mkfifo s/stream.db s/lock
  expect_refused 65 "'s'" s
}

@test "a text file as stream.db is refused and left alone" {
  mkdir s
  touch s/lock
  seq 10000 >s/stream.db
  local before
  before=$(checksums s)
  expect_refused 65 "'s'.*database" s
  expect_equal "$(checksums s)" "$before"
  expect_equal "$(ls s)" $'lock\nstream.db'
}

@test "an empty file as stream.db is refused and stays empty" {
  mkdir s
  touch s/lock s/stream.db
  expect_refused 65 "'s'" s
  [ ! -s s/stream.db ]
}

@test "the database of another application is refused and left alone" {
  mkdir s
  touch s/lock
  sqlite3 s/stream.db "CREATE TABLE t(a); INSERT INTO t VALUES('mine')"
  local before
  before=$(checksums s)
  expect_refused 65 "'s'.*not a stream's database" s
  expect_equal "$(checksums s)" "$before"
  expect_equal "$(sqlite3 -readonly s/stream.db 'SELECT a FROM t')" mine
}

@test "a stream without its lock is refused" {
  one_record_stream s
  rm s/lock
  expect_refused 66 "s/lock'" s
  [ ! -e s/lock ]
}

@test "a stream of a newer format version is refused by name" {
  one_record_stream s
  sql s "PRAGMA user_version=$(($(sqlite3 -readonly s/stream.db 'PRAGMA user_version') + 1))"
  expect_refused 65 "'s'.*version 2.*newer" s
}

@test "a stream of no version is refused" {
  one_record_stream s
  sql s "PRAGMA user_version=0"
  expect_refused 65 "'s'.*version 0" s
}

@test "a foreign trigger is refused and never runs" {
  one_record_stream s
  sql s "CREATE TRIGGER t AFTER INSERT ON batches BEGIN DELETE FROM batches; END"
  expect_refused 65 "'s'.*foreign object 't'" s
  echo second | expect_failure 65 "foreign object" stream-put s
  expect_equal "$(sqlite3 -readonly s/stream.db 'SELECT count(*) FROM batches')" 1
}

@test "a foreign view, table or index is refused" {
  local what
  for what in "VIEW foreign_one AS SELECT 1" "TABLE foreign_one(a)" "INDEX foreign_one ON batches(shard)"; do
    rm -rf s
    one_record_stream s
    sql s "CREATE $what"
    expect_refused 65 "'s'.*" s
  done
}

@test "control characters in the name of a foreign object are escaped" {
  one_record_stream s
  sql s "CREATE TABLE \"zz"$'\e'"[31m"$'\n'"\"(a)"
  expect_refused 65 'zz\\x1b\[31m\\x0a' s
}

@test "a table that is gone or was replaced by a view is refused" {
  one_record_stream s
  sql s "DROP TABLE batch_index"
  expect_refused 65 "'s'.*batch_index" s
  sql s "CREATE VIEW batch_index AS SELECT 1"
  expect_refused 65 "'s'.*batch_index" s
}

@test "a symbolic or hard link as stream.db is refused" {
  one_record_stream s
  mv s/stream.db elsewhere.db
  ln -s ../elsewhere.db s/stream.db
  expect_refused 65 "'s'.*stream.db" s
  rm s/stream.db
  ln elsewhere.db s/stream.db
  expect_refused 65 "'s'.*stream.db" s
  rm elsewhere.db
  expect_data s first
}

@test "a symbolic or hard link as lock is refused" {
  one_record_stream s
  mv s/lock elsewhere
  ln -s ../elsewhere s/lock
  expect_refused 65 "s/lock' is a symbolic link" s
  rm s/lock
  ln elsewhere s/lock
  expect_refused 65 "s/lock'.*hard link" s
  rm elsewhere
  expect_data s first
}

@test "a symbolic link to a stream is that stream" {
  one_record_stream s
  ln -s s alias
  put alias second
  expect_data s $'first\nsecond'
}

@test "a stream below a symbolic link is a stream" {
  mkdir real
  ln -s real link
  expect_silence stream-create link/s
  put link/s first
  expect_data real/s first
  expect_data link/s first
}

@test "an unknown scheme is a usage error, a path with a colon is not" {
  expect_refused 64 "unknown scheme 'kafka'" kafka:orders
  expect_failure 64 "unknown scheme 'kafka'" stream-create kafka:orders
  mkdir with:colon
  expect_silence stream-create ./with:colon/s
  put ./with:colon/s first
  expect_success stream-get "$PWD/with:colon/s"
  expect_stdout first
  expect_equal "$(ls)" with:colon
}

@test "an empty name is a usage error" {
  expect_refused 64 "empty" ""
  expect_failure 64 "empty" stream-create ""
  mkdir streams
  STREAM_DIR=$PWD/streams expect_refused 64 "empty" ""
}

@test "a bare name is looked for below STREAM_DIR, a path is not" {
  mkdir streams
  STREAM_DIR=$PWD/streams expect_silence stream-create s
  [ -d streams/s ]
  printf 'first\n' | STREAM_DIR=$PWD/streams expect_silence stream-put s
  STREAM_DIR=$PWD/streams expect_success stream-get s
  expect_stdout first
  STREAM_DIR=$PWD/streams expect_refused 66 "no such stream" ./s
  STREAM_DIR=$PWD/elsewhere expect_refused 66 "elsewhere/s'.*no such stream" s
  STREAM_DIR='' expect_success stream-get streams/s
  STREAM_DIR='' expect_refused 66 "'s'.*no such stream" s
}

@test "who may not write can read, but not put" {
  enter_public_directory
  one_record_stream s
  chmod 0755 s
  chmod 0444 s/*
  expect_success as_nobody stream-get s
  expect_stdout first
  expect_success as_nobody stream-stats s
  expect_success as_nobody stream-stats --verify s
  expect_success as_nobody stream-stats --json s
  expect_equal "$(jq -r .records "$STDOUT")" 1
  echo second | expect_failure 77 "'s'.*[Pp]ermission" as_nobody stream-put s
  expect_failure 77 "[Pp]ermission" as_nobody stream-create --update --tag a=b s
  expect_data s first
}

@test "who may not write follows what others put" {
  enter_public_directory
  need_root "to be two users"
  one_record_stream s
  chmod 0755 s
  chmod 0644 s/*
  start setpriv --reuid=65534 --regid=65534 --clear-groups stream-get --follow -n 2 s
  wait_until has_lines 1 "$OUTPUT"
  echo second | stream-put s
  expect_exit 0
  expect_stdout $'first\nsecond'
}

@test "a copy without SQLite's shared memory cannot be read by who may not make it" {
  enter_public_directory
  one_record_stream s
  mkdir copy
  cp s/stream.db s/stream.db-wal s/lock copy/
  chmod 0755 copy
  chmod 0444 copy/*
  expect_failure 77 "stream.db-shm is missing" as_nobody stream-get copy
}

@test "a stream that another user closed is a question of permission" {
  enter_public_directory
  need_root "to be two users"
  one_record_stream s
  expect_failure 77 "'s'.*[Pp]ermission" as_nobody stream-get s
  expect_failure 77 "'s'.*[Pp]ermission" as_nobody stream-stats s
  echo second | expect_failure 77 "'s'.*[Pp]ermission" as_nobody stream-put s
}

@test "nothing is acknowledged in a stream that was removed" {
  one_record_stream s
  feed in
  start stream-put --ack s in
  echo second >&"$FEED"
  wait_until has_lines 1 "$OUTPUT"
  rm -r s
  echo third >&"$FEED"
  expect_exit 66
  expect_stdout $'shardId-000000000000\t2'
  expect_stderr_line "'s'.*removed.*1 record committed, the last is 2 of shardId-000000000000"
  [ ! -e s ]
}

@test "nothing goes into a stream that took the place of the one that was opened" {
  one_record_stream s
  feed in
  start stream-put --ack s in
  echo second >&"$FEED"
  wait_until has_lines 1 "$OUTPUT"
  mv s old
  one_record_stream s
  echo third >&"$FEED"
  expect_exit 66
  expect_data s first
  expect_data old $'first\nsecond'
}

@test "a stream that is held too long by another process is busy, and its holder is named" {
  one_record_stream s
  flock --no-fork s/lock sleep 1000 3>&- &
  local holder=$!
  BACKGROUND+=("$holder")
  wait_until lock_is_held s
  echo second | expect_failure 75 "'s'.*process $holder \(sleep.*no records committed" stream-put --timeout 200ms s
  expect_failure 75 "'s'.*process $holder \(sleep" stream-create --update --tag a=b --timeout 200ms s
  # Who only reads waits for nobody.
  expect_success timeout 10 stream-get s
  expect_stdout first
  expect_success timeout 10 stream-stats --verify s
  # Waiting long enough helps.
  start stream-put --timeout 20s s <<<second
  wait_until waits_for_lock "$PID"
  kill "$holder"
  expect_exit 0
  expect_data s $'first\nsecond'
}

# A process that queues for a lock has a "->" line of its own in /proc/locks.
waits_for_lock() {
  grep -Eq -- "-> FLOCK .* $1 " /proc/locks
}

@test "who waits for a stream can be interrupted" {
  one_record_stream s
  flock --no-fork s/lock sleep 1000 3>&- &
  BACKGROUND+=("$!")
  wait_until lock_is_held s
  start stream-put --timeout 1h s <<<second
  wait_until waits_for_lock "$PID"
  # The first signal asks it to end after what is under way, the next one ends it now.
  wait_until is_gone_when_terminated "$PID"
  expect_exit 143
  expect_data s first
}

@test "a full disk is an error that damages nothing, and is over when there is room" {
  need_private_mounts "a small file system"
  mkdir mnt
  in_private_mounts '
    mount -t tmpfs -o size=2m none mnt
    head -c 512k /dev/zero >mnt/ballast
    expect_silence stream-create --compression none mnt/s
    : >expected
    for ((i = 0; ; ++i)); do
      [ "$i" -lt 1000 ]
      seq -f "record %.0f of run $i on a disk that is too small" 1000 >input
      stream-put mnt/s <input 2>"$STDERR" || break
      cat input >>expected
    done
    [ -s expected ]
    expect_failure 75 "mnt/s.*full.*no records committed" stream-put mnt/s input
    expect_records mnt/s expected
    expect_success stream-stats --verify mnt/s
    expect_success stream-stats mnt/s

    rm mnt/ballast
    echo "there is room" >>expected
    echo "there is room" | expect_silence stream-put mnt/s
    expect_records mnt/s expected
    expect_success stream-stats --verify mnt/s'
}

@test "when the disk gets full in the middle, the message says how much was stored" {
  need_private_mounts "a small file system"
  mkdir mnt
  seq -f 'record %.0f of a file that is larger than the disk' 800000 >input
  in_private_mounts '
    mount -t tmpfs -o size=24m none mnt
    expect_silence stream-create --compression none mnt/s
    expect_failure 75 "full.*[0-9]+ records committed, the last is [0-9]+ of shardId-000000000000$" stream-put mnt/s input
    committed=$(sed -E "s/.*; ([0-9]+) records committed.*/\1/" "$STDERR")
    [ "$committed" -gt 0 ]
    expect_equal "$(sed "s/.*the last is \([0-9]*\) .*/\1/" "$STDERR")" "$committed"
    head -n "$committed" input >expected
    expect_records mnt/s expected
    expect_success stream-stats --verify mnt/s'
}

@test "a full disk leaves nothing of a stream that could not be created" {
  need_private_mounts "a small file system"
  mkdir mnt
  in_private_mounts '
    mount -t tmpfs -o size=64k none mnt
    expect_failure 73 "create stream .mnt/s." stream-create mnt/s
    expect_equal "$(ls -A mnt)" ""'
}

@test "a limit on the size of files is an error and no crash" {
  one_record_stream s
  expect_silence stream-create --update --compression none s
  seq -f 'a record that has number %.0f' 100000 >input
  # 1 MiB for the WAL, in units of 1024 bytes.
  expect_status 75 bash -c 'ulimit -f 1024; exec stream-put s input' ||
    expect_status 74 bash -c 'ulimit -f 1024; exec stream-put s input'
  expect_stderr_line "'s'.*records? committed"
  expect_success stream-stats --verify s
  put s last
  expect_equal "$(stream-get s | head -n 1)" first
  expect_equal "$(stream-get s | tail -n 1)" last
}

@test "a file system that a WAL is not safe on is refused unless forced" {
  [ -r /dev/fuse ] || skip "needs /dev/fuse"
  command -v bindfs >/dev/null || skip "needs bindfs"
  need_private_mounts "a FUSE file system"
  mkdir back mnt
  unshare --mount sh -c 'bindfs back mnt && umount mnt' >/dev/null 2>&1 3>&- || skip "FUSE cannot be used here"
  expect_silence stream-create back/moved
  in_private_mounts '
    bindfs back mnt >/dev/null 2>&1
    trap "umount mnt" EXIT
    expect_failure 73 "not safe on FUSE.*--force" stream-create mnt/s
    expect_equal "$(ls -A mnt)" moved
    expect_silence stream-create --force mnt/s
    echo first | expect_silence stream-put mnt/s
    expect_data mnt/s first
    # Its creator did not accept this one.
    expect_failure 73 "not safe on FUSE" stream-get mnt/moved
    echo first | expect_failure 73 "not safe on FUSE" stream-put mnt/moved'
}
