#!/usr/bin/env bats
# What the programs do with stdin, stdout and stderr: closed ones, full ones, those that nobody reads any more.

load helpers

# A stream whose records do not fit into a pipe.
large_stream() {
  expect_silence stream-create "$1"
  seq 500000 | stream-put "$1"
}

# status_of COMMAND...: printed, with the program's stderr left in $STDERR.
status_of() {
  local status=0
  "$@" 2>"$STDERR" || status=$?
  echo "$status" >"$BATS_TEST_TMPDIR/status"
}

# expect_unwritable COMMAND...: stdout that cannot be written is exit 74 and one line.
expect_unwritable() {
  status_of "$@" >/dev/full
  expect_equal "/dev/full: $(cat "$BATS_TEST_TMPDIR/status")" "/dev/full: 74"
  expect_stderr_line "stdout.*No space left"
  status_of "$@" >&-
  expect_equal ">&-: $(cat "$BATS_TEST_TMPDIR/status")" ">&-: 74"
  expect_stderr_line "stdout"
}

@test "stdout that cannot be written is an error of stream-get" {
  expect_silence stream-create s
  put s one
  expect_unwritable stream-get s
  expect_unwritable stream-get --json s
  expect_unwritable stream-get -0 s
  expect_unwritable stream-get --frames s
  expect_unwritable stream-get --format '{key}' s
  expect_unwritable stream-get --follow -n 1 s
  large_stream large
  expect_unwritable stream-get large
}

@test "stdout that cannot be written is an error of stream-stats" {
  expect_silence stream-create s
  put s one
  expect_unwritable stream-stats s
  expect_unwritable stream-stats --json s
  expect_unwritable stream-stats --verify s
  expect_unwritable stream-stats --shard-for k s
}

@test "acknowledgements that cannot be written are an error, and what was committed is told" {
  expect_silence stream-create s
  printf 'one\ntwo\n' >input
  status_of stream-put --ack s input >/dev/full
  expect_equal "$(cat "$BATS_TEST_TMPDIR/status")" 74
  expect_stderr_line "stdout.*2 records committed, the last is 2 of shardId-000000000000"
  expect_data s $'one\ntwo'
  status_of stream-put --ack s input >&-
  expect_equal "$(cat "$BATS_TEST_TMPDIR/status")" 74
  expect_stderr_line "stdout.*2 records committed, the last is 4 of shardId-000000000000"
  expect_equal "$(stream-get s | wc -l)" 4
}

@test "a program that has nothing to print does not mind stdout" {
  status_of stream-create s >&-
  expect_equal "$(cat "$BATS_TEST_TMPDIR/status")" 0
  expect_empty "$STDERR"
  status_of stream-put s <<<one >&-
  expect_equal "$(cat "$BATS_TEST_TMPDIR/status")" 0
  expect_empty "$STDERR"
  status_of stream-put s <<<two >/dev/full
  expect_equal "$(cat "$BATS_TEST_TMPDIR/status")" 0
  expect_empty "$STDERR"
  expect_data s $'one\ntwo'
}

@test "help and version that cannot be written are errors" {
  local program option
  for program in create put get reshard stats; do
    for option in -h --help -V --version; do expect_unwritable "stream-$program" "$option"; done
  done
}

# expect_broken_pipe COMMAND...: `| head -n 1` ends it by the signal PIPE, without a word.
expect_broken_pipe() {
  local status
  "$@" 2>"$STDERR" | head -n 1 >"$STDOUT"
  status=${PIPESTATUS[0]}
  expect_equal "$*: $status" "$*: 141"
  expect_empty "$STDERR"
  expect_equal "$(wc -l <"$STDOUT")" 1
}

@test "a reader that has seen enough ends stream-get without a word" {
  large_stream s
  expect_broken_pipe stream-get s
  expect_broken_pipe stream-get --json s
  expect_broken_pipe stream-get --follow s
}

@test "a reader that has seen enough ends stream-put --ack, whose records are stored all the same" {
  expect_silence stream-create s
  seq 200000 >input
  expect_broken_pipe stream-put --ack s input
  expect_success stream-stats --verify s
  head -n "$(stream-get s | wc -l)" input >expected
  [ -s expected ]
  expect_records s expected
}

@test "a reader that went away ends what waits for something else at once, without a word" {
  expect_silence stream-create s
  python3 - <<'PYTHON'
import signal, subprocess
def expect_end(first, command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if "put" in command[0]:
        process.stdin.write(b"a\n")
        process.stdin.flush()
    assert process.stdout.read(len(first)) == first
    process.stdout.close()
    try:
        assert process.wait(20) == -signal.SIGPIPE, (command, process.returncode)
        assert process.stderr.read() == b"", command
    finally:
        process.kill()
expect_end(b"shardId-000000000000\t1\n", ["stream-put", "--ack", "s"])
expect_end(b"{", ["stream-stats", "s", "--json", "--watch=1h"])
PYTHON
  expect_data s a
}

@test "stream-put --ack whose reader went away stores what it has read" {
  expect_silence stream-create s
  python3 - <<'PYTHON'
import os, signal, subprocess
put = subprocess.Popen(["stream-put", "--ack", "--linger", "1h", "s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
put.stdin.write(b"a\nb\nc")
put.stdin.flush()
def unread():
    import array, fcntl, termios
    count = array.array("i", [0])
    fcntl.ioctl(put.stdin, termios.FIONREAD, count)
    return count[0]
while unread() > 0:
    assert put.poll() is None
put.stdout.close()
try:
    assert put.wait(20) == -signal.SIGPIPE, put.returncode
finally:
    put.kill()
PYTHON
  expect_data s $'a\nb'
}

@test "the signal PIPE counts where the parent ignores it, too" {
  large_stream s
  trap '' PIPE
  expect_broken_pipe stream-get s
}

@test "a parent in Python sees a broken pipe as one" {
  large_stream s
  python3 - <<'PYTHON'
import signal, subprocess
get = subprocess.Popen(["stream-get", "s"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=False)
assert get.stdout.readline() == b"1\n"
get.stdout.close()
assert get.stderr.read() == b""
assert get.wait(20) == -signal.SIGPIPE, get.returncode
PYTHON
}

@test "closed stdin is an error of who has to read it, and of nobody else" {
  expect_silence stream-create s <&-
  status_of stream-put s <&-
  expect_equal "$(cat "$BATS_TEST_TMPDIR/status")" 74
  expect_stderr_line "standard input"
  expect_no_records s
  echo one >file
  expect_silence stream-put s file <&-
  expect_success stream-get s <&-
  expect_stdout one
  expect_success stream-stats s <&-
}

@test "a directory or a write-only file as stdin is an error" {
  expect_silence stream-create s
  status_of stream-put s <.
  expect_equal "$(cat "$BATS_TEST_TMPDIR/status")" 74
  expect_stderr_line "standard input"
  status_of stream-put s 0>write-only
  expect_equal "$(cat "$BATS_TEST_TMPDIR/status")" 74
  expect_stderr_line "standard input"
  expect_no_records s
}

@test "stdin that does not block is waited for" {
  expect_silence stream-create s
  python3 - <<'PYTHON'
import os, subprocess
read, write = os.pipe()
os.set_blocking(read, False)
put = subprocess.Popen(["stream-put", "--ack", "s"], stdin=read, stdout=subprocess.PIPE)
os.write(write, b"one\n")
assert put.stdout.readline() == b"shardId-000000000000\t1\n"
os.write(write, b"two\n")
os.close(write)
assert put.stdout.read() == b"shardId-000000000000\t2\n"
assert put.wait(20) == 0
PYTHON
  expect_data s $'one\ntwo'
}

@test "stdout that does not block loses nothing" {
  large_stream s
  python3 - <<'PYTHON'
import os, subprocess
read, write = os.pipe()
os.set_blocking(write, False)
get = subprocess.Popen(["stream-get", "s"], stdout=write, stderr=subprocess.PIPE)
os.close(write)
with os.fdopen(read, "rb") as pipe:
    lines = pipe.read().split(b"\n")
assert get.wait(20) == 0, (get.returncode, get.stderr.read())
assert lines == [b"%d" % n for n in range(1, 500001)] + [b""]
PYTHON
  expect_equal "$(stream-get s | wc -l)" 500000
}

@test "stderr that is closed or full changes nothing" {
  local status
  expect_silence stream-create s
  stream-put s 2>&- <<<one
  expect_equal "$(stream-get s 2>&-)" one
  stream-put s 2>/dev/full <<<two
  expect_equal "$(stream-get s 2>/dev/full)" $'one\ntwo'
  for redirect in '2>&-' '2>/dev/full'; do
    status=0
    eval "stream-get missing $redirect" || status=$?
    expect_equal "$status" 66
    status=0
    eval "stream-put --key-field 2 s $redirect" <<<three || status=$?
    expect_equal "$status" 65
  done
  # No file got the number 2, and a message in it.
  expect_success stream-stats --verify s
  expect_data s $'one\ntwo'
}

@test "all three closed changes nothing" {
  stream-create s <&- >&- 2>&-
  echo one >file
  stream-put s file <&- >&- 2>&-
  local status=0
  stream-get s <&- >&- 2>&- || status=$?
  expect_equal "$status" 74
  status=0
  stream-put --ack s file <&- >&- 2>&- || status=$?
  expect_equal "$status" 74
  expect_success stream-stats --verify s
  expect_data s $'one\none'
}

@test "nothing of the environment is needed" {
  expect_silence env -i "$SHARDLOG_BIN/stream-create" s
  printf 'é one\n' | expect_silence env -i "$SHARDLOG_BIN/stream-put" --key-field 1 s
  expect_success env -i "$SHARDLOG_BIN/stream-get" s
  expect_stdout 'é one'
  expect_success env -i "$SHARDLOG_BIN/stream-get" --json s
  expect_equal "$(jq -r .key "$STDOUT")" é
  expect_success env -i "$SHARDLOG_BIN/stream-stats" s
  expect_failure 66 "no such stream" env -i "$SHARDLOG_BIN/stream-get" missing
  # As cron starts it.
  expect_success env -i HOME=/ LOGNAME=nobody SHELL=/bin/sh PATH=/usr/bin:/bin sh -c "echo two | '$SHARDLOG_BIN/stream-put' -k é s"
  expect_data s $'é one\ntwo'
}

@test "what the programs print does not depend on the locale, but for what is drawn" {
  expect_silence stream-create s
  stream-stats s >expected
  local locale
  for locale in C POSIX C.UTF-8 no_SUCH.locale; do
    LC_ALL=$locale LANG=$locale expect_success stream-stats s
    expect_same "$STDOUT" expected
  done
  put s one
  ! LC_ALL=C stream-stats s | LC_ALL=C grep -q '[^ -~]'
}

@test "what programs read does not depend on the zone" {
  expect_silence stream-create s
  put s one
  TZ=CET-1CEST stream-stats --json s >got
  TZ=UTC0 stream-stats --json s >expected
  expect_same got expected
  TZ=CET-1CEST stream-get --json s >got
  stream-get --json s >expected
  expect_same got expected
}

@test "success is silent" {
  expect_silence stream-create s
  expect_silence stream-create --if-missing s
  expect_silence stream-create --update --tag a=b s
  echo one | expect_silence stream-put s
  expect_silence stream-put s </dev/null
  expect_success stream-get s
  expect_success stream-stats s
  expect_success stream-stats --verify s
}

@test "control characters in names are escaped in messages" {
  local name
  for name in $'a\nb' $'a\rb' $'a\tb' $'a\e[31mb' $'a\x7fb' $'\a\b'; do
    expect_failure 66 "no such stream" stream-get "$name"
    expect_failure 66 "no such stream" stream-put "$name" </dev/null
    expect_failure 66 "no such stream" stream-stats "$name"
    expect_failure 64 "name" stream-create "$name"
  done
  expect_failure 66 'a\\x1b\[31mb' stream-get $'a\e[31mb'
}

@test "control characters of the second set are escaped in messages" {
  # U+009B begins a control sequence as ESC [ does.
  expect_status 66 stream-get $'a\u009b31mb'
  expect_status_line_without_c1
  expect_status 64 stream-create $'a\u009b31mb'
  expect_status_line_without_c1
}

expect_status_line_without_c1() {
  expect_stderr_line "31mb" || return
  python3 - "$STDERR" <<'PYTHON'
import sys
text = open(sys.argv[1], encoding="utf-8").read()
assert not any(0x80 <= ord(c) < 0xa0 for c in text), text.encode()
PYTHON
}

@test "a name that is no UTF-8 makes a message that is" {
  expect_status 66 stream-get $'a\xff\x9b31m'
  expect_stderr_line "no such stream"
  iconv -f UTF-8 -t UTF-8 "$STDERR" >/dev/null
}

@test "non-ASCII in names is shown as it is" {
  expect_failure 66 "'naïve 🦊'" stream-get 'naïve 🦊'
}

@test "control characters anywhere in wrong arguments are escaped" {
  expect_silence stream-create s
  local evil=$'\e[31m\nx'
  expect_failure 64 . stream-get "--$evil" s
  expect_failure 64 . stream-get s "$evil"
  expect_failure 64 . stream-get --shard "$evil" s
  expect_failure 64 . stream-get --count "$evil" s
  expect_failure 64 . stream-get --follow --poll "$evil" s
  expect_failure 64 . stream-get --timeout "$evil" s
  expect_failure 64 . stream-put --sync "$evil" s </dev/null
  expect_failure 64 . stream-put --key-field 1 -F "$evil\\q" s </dev/null
  expect_failure 64 . stream-put --key-field "$evil" s </dev/null
  expect_failure 64 . stream-create --shards "$evil" t
  expect_failure 64 . stream-create --max-record-size "$evil" t
  expect_failure 64 . stream-create --tag "$evil" t
  expect_failure 64 . stream-create --group "$evil" t
  expect_failure 64 . stream-get "nats:$evil"
  [ ! -e t ]
}

@test "a key that stream-stats prints keeps its line" {
  expect_silence stream-create s
  expect_success stream-stats --shard-for $'a\nb' --json s
  expect_equal "$(jq -r .key "$STDOUT")" $'a\nb'
  expect_equal "$(wc -l <"$STDOUT")" 1
}

@test "control characters reach a pipe as they are" {
  expect_silence stream-create s
  printf '\e[31mred\a\x7f\n' >input
  expect_silence stream-put s input
  expect_records s input
}

@test "control characters are escaped on a terminal" {
  command -v script >/dev/null || skip "needs script(1)"
  expect_silence stream-create s
  printf '\e[31mred\a\x7f\xc2\x9b\n' | stream-put s
  script -qec 'stream-get s' /dev/null </dev/null >"$STDOUT"
  grep -q red "$STDOUT"
  python3 - "$STDOUT" <<'PYTHON'
import sys
shown = open(sys.argv[1], "rb").read().replace(b"\r\n", b"\n").decode()
assert not any(ord(c) < 0x20 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in shown), shown.encode()
PYTHON
}

@test "the short help fits on a screen and shows examples" {
  local program
  for program in create put get reshard stats; do
    expect_success "stream-$program" -h
    [ "$(wc -l <"$STDOUT")" -le 24 ] || fail "stream-$program -h has $(wc -l <"$STDOUT") lines"
    awk 'length($0) > 80 { print "too wide: " $0; exit 1 }' "$STDOUT"
    [ "$(sed -n '/^Examples:/,/^$/p' "$STDOUT" | grep -c "^  .*stream-$program")" -ge 3 ]
  done
}

@test "the long help is for people" {
  local program
  for program in create put get reshard stats; do
    expect_success "stream-$program" --help
    awk 'length($0) > 80 { print "too wide: " $0; exit 1 }' "$STDOUT"
    grep -q 'Exit status' "$STDOUT"
  done
}

@test "help wins over everything else" {
  expect_success stream-get --bogus --help
  grep -q 'read records' "$STDOUT"
  expect_success stream-get -h missing
  grep -q Examples "$STDOUT"
}

@test "the version is that of the project" {
  local version program
  version=$(sed -n 's/^project(shardlog VERSION \([0-9.]*\).*/\1/p' "$SHARDLOG_SOURCE/CMakeLists.txt")
  [ -n "$version" ]
  for program in create put get reshard stats; do
    expect_success "stream-$program" --version
    expect_stdout "stream-$program (shardlog) $version"
    expect_success "stream-$program" -V
    expect_stdout "stream-$program (shardlog) $version"
  done
}
