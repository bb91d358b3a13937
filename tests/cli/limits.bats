#!/usr/bin/env bats
# Where the system has no more threads, descriptors or memory to give: exit 75, the reason is named, and nothing is left half done.

load helpers

# Of a user that has no other process, so that a limit of N is N threads.
LONELY_USER=54321

as_lonely_user() {
  setpriv --reuid=$LONELY_USER --regid=$LONELY_USER --clear-groups "$@"
}

# limited UNIT COMMAND...: within a limit as ulimit has it: limited "-u 1" stream-put s
limited() {
  local limit=$1
  shift
  bash -c "ulimit $limit; exec \"\$@\"" limited "$@"
}

@test "without threads every program says which limit is reached" {
  enter_public_directory
  [ "$EUID" -ne 0 ] || chmod 0777 .
  expect_silence as_nobody stream-create s
  echo first | expect_silence as_nobody stream-put s
  local command
  for command in "stream-put s" "stream-get s" "stream-stats s" "stream-create t"; do
    expect_failure 75 "RLIMIT_NPROC 1[),]" as_nobody bash -c "ulimit -u 1; exec $command" </dev/null
  done
  [ ! -e t ]
  expect_equal "$(as_nobody stream-get s)" first
}

@test "however few threads there are, stream-put stores everything, or nothing and says why" {
  enter_public_directory
  need_root "to be another user"
  chmod 0777 .
  seq 1000000 >input
  expect_silence as_lonely_user stream-create s
  local most=1
  while ! as_lonely_user bash -c "ulimit -u $most; exec stream-put s input" 2>"$STDERR"; do
    expect_stderr_line "start a thread.*RLIMIT_NPROC $most[),]"
    expect_equal "$(as_lonely_user stream-get s)" ""
    most=$((most + 1))
    [ "$most" -lt 10 ]
  done
  [ "$most" -ge 3 ]
  as_lonely_user stream-get s | cmp - input
}

# Into a pipe: only there a reader can go away, which a thread watches for.
@test "however few threads there are, what follows or acknowledges into a pipe works, or says why" {
  enter_public_directory
  need_root "to be another user"
  chmod 0777 .
  expect_silence as_lonely_user stream-create s
  echo first | expect_silence as_lonely_user stream-put s
  local command most status
  set -o pipefail
  for command in "stream-get -f -n 1 s" "stream-put --ack s" "stream-get -f -n 1 -c x s"; do
    for ((most = 1; ; ++most)); do
      [ "$most" -lt 10 ]
      status=0
      echo second | as_lonely_user bash -c "ulimit -u $most; exec $command" 2>"$STDERR" | cat >"$OUTPUT" || status=${PIPESTATUS[1]}
      [ "$status" -ne 0 ] || break
      expect_equal "$command: $status" "$command: 75"
      tail -n 1 "$STDERR" | grep -q "start a thread.*RLIMIT_NPROC $most[),]"
    done
    [ "$most" -ge 3 ]
    [ -s "$OUTPUT" ]
  done
}

@test "a writer that has no thread to wait with leaves the lock alone" {
  enter_public_directory
  need_root "to be another user"
  chmod 0777 .
  expect_silence as_lonely_user stream-create s
  flock --no-fork s/lock sleep 1000 3>&- &
  local holder=$!
  BACKGROUND+=("$holder")
  wait_until lock_is_held s
  feed in # open, so that every other thread is there
  echo a >&"$FEED"
  expect_failure 75 "start a thread.*RLIMIT_NPROC 4[),].*no records committed" \
    as_lonely_user bash -c 'ulimit -u 4; exec stream-put s in'
  kill "$holder"
  echo b | expect_silence as_lonely_user stream-put s
  expect_equal "$(as_lonely_user stream-get s)" b
}

@test "too many open files are called so, and the stream is none the worse" {
  expect_silence stream-create s
  put s first
  echo second >input
  local most stored=0 status
  for most in 7 8 9 10 12 14 20; do
    status=0
    # bats has its own descriptors, which a program would count too.
    limited "-n $most" stream-put s input >"$STDOUT" 2>"$STDERR" 3>&- 4>&- 5>&- || status=$?
    if [ "$status" -eq 0 ]; then
      stored=$((stored + 1))
    else
      expect_equal "$status" 75
      expect_stderr_line "Too many open files"
    fi
  done
  [ "$stored" -ge 1 ]
  [ "$stored" -le 3 ]
  expect_equal "$(stream-get s | grep -c second)" "$stored"
}

@test "too little memory is called so" {
  limited "-v 400000" stream-get --version >/dev/null 2>&1 || skip "this build needs more memory than that to start"
  expect_silence stream-create s
  seq 100000 >input
  local most stored=0 status
  for most in 16000 30000 60000 400000; do
    status=0
    limited "-v $most" stream-put s input >"$STDOUT" 2>"$STDERR" || status=$?
    if [ "$status" -eq 0 ]; then
      stored=$((stored + 1))
    elif [ "$status" -ne 127 ]; then # the loader's own
      expect_equal "$status" 75
      expect_stderr_line "out of memory|RLIMIT_AS"
    fi
  done
  [ "$stored" -ge 1 ]
  expect_success stream-stats --verify s
}
