# What the tests of the programs share. A test starts in an empty directory of its own, with the programs on its PATH.
#
# The runner sets SHARDLOG_BIN (where the programs are) and SHARDLOG_SOURCE (this repository).
# bats keeps its results on descriptor 3, so whatever stays in the background is started with 3>&-.

bats_require_minimum_version 1.5.0

setup() {
  : "${SHARDLOG_BIN:?the directory of the programs}" "${SHARDLOG_SOURCE:?the repository}"
  # Before what a user may have put on his PATH: a python3 that is a script takes ten times as long to start.
  export PATH="$SHARDLOG_BIN:/usr/bin:$PATH" LC_ALL=C.UTF-8 TZ=UTC0
  unset STREAM_DIR
  export STDOUT="$BATS_TEST_TMPDIR/stdout" STDERR="$BATS_TEST_TMPDIR/stderr"
  export OUTPUT="$BATS_TEST_TMPDIR/output" MESSAGES="$BATS_TEST_TMPDIR/messages"
  BACKGROUND=()
  umask 022
  mkdir "$BATS_TEST_TMPDIR/work"
  cd "$BATS_TEST_TMPDIR/work" || return
  [ "${SHARDLOG_TEST_ENGINE:-}" != nats ] || use_nats
}

# The test's streams, which have bare names, are in the account that this file of tests has on the cluster. What the engine
# cannot do is not asked: tests/nats/excluded has a line for each of those tests.
use_nats() {
  local file test reason
  while IFS=$'\t' read -r file test reason; do
    [[ $file != "$(basename "$BATS_TEST_FILENAME" .bats)" || $test != "$BATS_TEST_DESCRIPTION" ]] || skip "nats: $reason"
  done <"$SHARDLOG_SOURCE/tests/nats/excluded"
  export STREAM_DIR='nats:?replicas=1' NATS_USER=$SHARDLOG_NATS_USER NATS_PASSWORD=$SHARDLOG_NATS_USER
}

teardown() {
  local pid
  for pid in "${BACKGROUND[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  [ "${SHARDLOG_TEST_ENGINE:-}" != nats ] ||
    "$SHARDLOG_SOURCE/tests/nats/cluster" clear "$SHARDLOG_NATS_CLUSTER" "$SHARDLOG_NATS_USER"
  [ -z "${PUBLIC_DIRECTORY:-}" ] || rm -rf "$PUBLIC_DIRECTORY"
}

fail() {
  printf '%s\n' "$*" >&2
  return 1
}

# --- running a program: its output is left in the files $STDOUT and $STDERR -----------------------------------------------

# expect_status N COMMAND...
expect_status() {
  local expected=$1 status=0
  shift
  "$@" >"$STDOUT" 2>"$STDERR" || status=$?
  [ "$status" -eq "$expected" ] || fail "exit $status, not $expected: $*"$'\n'"stderr: $(cat -v "$STDERR")"
}

# It does what it is asked, and has nothing to say about it.
expect_success() {
  expect_status 0 "$@" && expect_empty "$STDERR"
}

expect_silence() {
  expect_success "$@" && expect_empty "$STDOUT"
}

# expect_failure N PATTERN COMMAND...: exit N, nothing on stdout, and on stderr one line that matches the pattern.
expect_failure() {
  local status=$1 pattern=$2
  shift 2
  expect_status "$status" "$@" && expect_empty "$STDOUT" && expect_stderr_line "$pattern"
}

# Exactly one line, which begins with a program's name and matches the extended regular expression.
expect_stderr_line() {
  local text line
  read_file text "$STDERR" || fail "NUL on stderr: $(cat -v "$STDERR")" || return
  line=${text%$'\n'}
  [[ $text == *$'\n' && $line != *$'\n'* ]] || fail "not one line on stderr: $(cat -v "$STDERR")" || return
  [[ $line =~ ^stream-(create|put|get|reshard|stats):\  ]] || fail "no program's name: $(cat -v "$STDERR")" || return
  [[ $line =~ $1 ]] || fail "stderr does not match '$1': $(cat -v "$STDERR")" || return
  ! has_control_characters "$line" || fail "control characters on stderr: $(cat -v "$STDERR")"
}

has_control_characters() {
  local LC_ALL=C
  [[ $1 == *[$'\001'-$'\010'$'\013'-$'\037'$'\177']* ]]
}

expect_empty() {
  [ ! -s "$1" ] || fail "${1##*/} is not empty: $(head -c 2000 "$1" | cat -v)"
}

# expect_stdout TEXT: the text and a newline.
expect_stdout() {
  local text
  read_file text "$STDOUT" && [[ $text == "$1"$'\n' ]] && return
  printf '%s\n' "$1" >"$BATS_TEST_TMPDIR/expected"
  expect_same "$STDOUT" "$BATS_TEST_TMPDIR/expected"
}

# expect_same GOT EXPECTED: two files, byte by byte.
expect_same() {
  cmp -s "$1" "$2" && return
  fail "$1 is not $2: $(diff -a "$2" "$1" | head -n 10 | cut -c 1-200 | cat -v)"
}

# expect_equal GOT EXPECTED: two texts.
expect_equal() {
  [ "$1" = "$2" ] || fail "got '$1', not '$2'"
}

# expect_records STREAM FILE: the stream holds the lines of the file.
expect_records() {
  expect_success stream-get "$1" && expect_same "$STDOUT" "$2"
}

# expect_data STREAM TEXT: the stream holds the lines of the text.
expect_data() {
  expect_success stream-get "$1" && expect_stdout "$2"
}

# expect_no_records STREAM
expect_no_records() {
  expect_silence stream-get "$1"
}

# new_stream STREAM OPTION...
new_stream() {
  expect_silence stream-create "$@"
}

# remove STREAM...: those that are there.
remove() {
  local stream
  for stream in "$@"; do
    stream-create --remove "$stream" 2>"$STDERR" || [ $? -eq 66 ] || fail "stream-create --remove $stream: $(cat -v "$STDERR")" || return
  done
}

# put STREAM TEXT...: a record each.
put() {
  local stream=$1
  shift
  printf '%s\n' "$@" | expect_silence stream-put "$stream"
}

# figures STREAM FILTER: what jq makes of the statistics.
figures() {
  stream-stats --json "$1" | jq -c "$2"
}

# open_shards STREAM: their numbers.
open_shards() {
  stream-stats --json "$1" | jq -r '[.shards[] | select(.open) | .shard[-2:] | tonumber] | join(" ")'
}

# contents STREAM: its records, without what differs from stream to stream; sorted, because the order of shards may differ.
contents() {
  stream-get --json "$1" | jq -cS '{key, hash_key, data, data_base64}' | sort
}

# on_terminal [--stderr] COMMAND...: what a terminal gets as its stdout, or as its stderr.
on_terminal() {
  python3 "$SHARDLOG_SOURCE/tests/cli/on_terminal.py" "$@"
}

# --- without starting a process ----------------------------------------------------------------------------------------------
# There are machines on which a process costs more than all that a test does.

# read_file NAME FILE: sets the variable to what the file holds; fails where that has a NUL byte, which no variable can hold.
read_file() {
  ! IFS= read -r -d '' "$1" <"$2"
}

# pause SECONDS
pause() {
  if [ -z "${SILENT:-}" ]; then
    mkfifo "$BATS_TEST_TMPDIR/silent"  # a pipe that nobody writes to
    exec {SILENT}<>"$BATS_TEST_TMPDIR/silent"
  fi
  ! read -r -t "$1" -u "$SILENT"
}

# --- waiting ---------------------------------------------------------------------------------------------------------------

# wait_until COMMAND...: looks again and again until it succeeds; fails after a minute.
# Once in some 4,000 times bash misses that a child has ended: a zombie, which kill finds. With the next child it sees both.
wait_until() {
  local deadline=$((SECONDS + 60)) looks=0
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for: $*" || return
    if [ $((++looks)) -lt 20 ]; then pause 0.01; else pause 0.05; fi
    [ $((looks % 20)) -ne 0 ] || (:)
  done
}

# has_lines N FILE: at least so many complete ones.
has_lines() {
  local lines
  [ -e "$2" ] || return
  mapfile lines <"$2"
  [ "${#lines[@]}" -gt "$1" ] || [[ ${#lines[@]} -eq $1 && ($1 -eq 0 || ${lines[-1]} == *$'\n') ]]
}

# has_records N STREAM: at least that many that can be read.
has_records() {
  [ "$(figures "$2" .records)" -ge "$1" ]
}

# has_expired STREAM: nothing can be read any more.
has_expired() {
  [ -z "$(stream-get "$1")" ]
}

lock_is_held() {
  ! flock --nonblock "$1/lock" true
}

# unread_bytes DESCRIPTOR: what is in the pipe.
unread_bytes() {
  python3 -c '
import array, fcntl, sys, termios
count = array.array("i", [0])
fcntl.ioctl(int(sys.argv[1]), termios.FIONREAD, count)
print(count[0])' "$1"
}

is_empty_pipe() {
  [ "$(unread_bytes "$1")" = 0 ]
}

is_gone() {
  ! kill -0 "$1" 2>/dev/null
}

# is_gone_when_terminated PROCESS: sends TERM each time, because a program may hold a signal back.
is_gone_when_terminated() {
  ! kill -TERM "$1" 2>/dev/null
}

# start COMMAND...: in the background, its process id in $PID and its output in the files $OUTPUT and $MESSAGES, which become
# $STDOUT and $STDERR with expect_exit. It does not outlive the test.
# It is a program, so that the process is its own, and minds the signals that a shell lets its background ignore.
start() {
  : >"$OUTPUT"
  (
    [ -z "${FEED:-}" ] || exec {FEED}>&-
    [ -z "${SILENT:-}" ] || exec {SILENT}>&-
    exec env --default-signal=INT,QUIT "$@"
  ) <&0 >"$OUTPUT" 2>"$MESSAGES" 3>&- &
  PID=$!
  BACKGROUND+=("$PID")
}

# expect_exit STATUS: of what was started; 128+n is the signal n.
expect_exit() {
  local status=0
  wait_until is_gone "$PID" || return
  wait "$PID" || status=$?
  mv "$OUTPUT" "$STDOUT"
  mv "$MESSAGES" "$STDERR"
  [ "$status" -eq "$1" ] || fail "exit $status, not $1; stderr: $(cat -v "$STDERR")"
}

# expect_end_by SIGNAL: what was started gets the signal, and dies of it.
expect_end_by() {
  kill "-$1" "$PID"
  expect_exit $((128 + $(kill -l "$1")))
}

# begin_for_reader COMMAND...: as start, but its stdout is a pipe whose reader is $READER.
begin_for_reader() {
  rm -f pipe
  mkfifo pipe
  env --default-signal=INT,QUIT "$@" >pipe 2>"$MESSAGES" 3>&- &
  PID=$!
  BACKGROUND+=("$PID")
  : >"$OUTPUT"
  exec {READER}<pipe
}

# feed NAME: a pipe of that name, held open for writing as descriptor $FEED; closed by: exec {FEED}>&-
feed() {
  mkfifo "$1"
  exec {FEED}<>"$1"
}

# --- other times -----------------------------------------------------------------------------------------------------------

# at TIME COMMAND...: the program sees that time, in UTC, on its clock; +10d is relative to now.
at() {
  # Not by the command faketime: one that is killed leaves a semaphore, with which a later one of the same process id fails.
  # The loader knows what $LIB is.
  # shellcheck disable=SC2016
  LD_PRELOAD='/usr/$LIB/faketime/libfaketime.so.1' FAKETIME=$1 "${@:2}"
}

need_faketime() {
  [ "${SHARDLOG_TEST_ENGINE:-}" != nats ] || skip "nats: time goes by on the servers' clocks"
  # Those of g++ must be loaded before anything else; those of clang++ wait for ever at the first look at the clock.
  [ -z "${SHARDLOG_SANITIZE:-}" ] || skip "faketime does not work with sanitizers"
  [ "$(at '2030-01-01 00:00:00' date +%Y)" = 2030 ] || skip "needs faketime"
}

# --- other users, other file systems -----------------------------------------------------------------------------------------

need_root() {
  [ "$EUID" -eq 0 ] || skip "needs root: $1"
}

# as_nobody COMMAND...: root may do what the modes of files forbid, and is not shown by them.
as_nobody() {
  if [ "$EUID" -eq 0 ]; then
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
  else
    "$@"
  fi
}

# Moves to a new directory that every user can reach and only this one change.
enter_public_directory() {
  PUBLIC_DIRECTORY=$(mktemp -d)
  chmod 0755 "$PUBLIC_DIRECTORY"
  cd "$PUBLIC_DIRECTORY" || return
  as_nobody "$SHARDLOG_BIN/stream-get" --version >/dev/null 2>&1 || skip "another user cannot run the programs where they are"
}

# in_private_mounts SCRIPT: a bash script that may mount what goes away with it. It knows the functions of this file.
in_private_mounts() {
  local name
  for name in $(compgen -A function | grep -E '^(expect_|read_file$|has_control_characters$|pause$|wait_until$|has_lines$|put$|fail$)'); do export -f "${name?}"; done
  export BATS_TEST_TMPDIR
  unshare --mount --propagation private bash -euc "$1" 3>&-
}

need_private_mounts() {
  unshare --mount --propagation private true 2>/dev/null || skip "needs the right to mount: $1"
}

# took COMMAND...: the milliseconds that it runs, in $TOOK.
took() {
  local start=${EPOCHREALTIME/./}
  "$@" || return
  TOOK=$(((${EPOCHREALTIME/./} - start) / 1000))
}

expect_took() {
  [ "$TOOK" -ge "$1" ] || fail "it took only $TOOK ms"
}

# filled BYTES OPTION...: a stream s that holds this many bytes, in records of 100 bytes, and the file `input` with the same.
filled() {
  seq -f '%0100g' $(($1 / 100)) >input
  expect_silence stream-create s "${@:2}"
  expect_silence stream-put s input
}
