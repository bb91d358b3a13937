#!/usr/bin/env bats
# What is said about an option is said everywhere: in the help, the manual and the completions of every shell.

load helpers

programs="stream-create stream-put stream-get stream-reshard stream-serve stream-stats"

# The options at the start of help's lines, in their order.
help_options() {
  "$1" --help | grep -oE '^  (-[A-Za-z0-9](, --[a-z][a-z-]*)?|    --[a-z][a-z-]*)' | names
}

# Every option in a text.
names() {
  grep -oE -e '--[a-z][a-z-]*|-[A-Za-z0-9]'
}

# ".It Fl s , Fl Fl shards Ar N" is -s and --shards.
manual_options() {
  grep -E '^\.It Fl ' "$SHARDLOG_SOURCE/man/$1.1" | sed -E 's/Fl Fl ([a-z])/--\1/g; s/Fl ([A-Za-z0-9])/-\1/g' \
    | sed -E 's/^\.It ((--?[A-Za-z0-9][a-z-]*)( , (--?[A-Za-z0-9][a-z-]*))?).*/\1/' | names
}

# What bash offers after "PROGRAM WORDS...", the last word being the one to complete.
bash_offers() {
  bash -c '
    source "$SHARDLOG_SOURCE/completions/bash/shardlog"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    function=$(complete -p "$1" | sed -E "s/.* -F ([^ ]+) .*/\1/")
    "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    [ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

# What fish offers after a line.
fish_offers() {
  HOME=$PWD fish --no-config -c '
    set fish_complete_path $SHARDLOG_SOURCE/completions/fish
    set fish_function_path $SHARDLOG_SOURCE/completions/fish/functions $fish_function_path
    complete -C $argv[1] | string replace -r "\t.*" ""' "$1"
}

# zsh_adds FUNCTION WORDS...: what a function of the completion adds for these words, the last one to complete.
zsh_adds() {
  zsh -f -c '
    _arguments() { }
    compadd() { print -rl -- "${(@P)argv[-1]}" }
    service=stream-get
    source $SHARDLOG_SOURCE/completions/zsh/_shardlog
    PREFIX=$argv[-1] words=("${@[2,-1]}")
    ${=1}' zsh "$@" | grep .
}

# "'(-s --shards)--shards=[how many]:number: '" is --shards: of the common part and of the program's.
zsh_options() {
  awk -v program="$1" '
    /^common=\(/ { in_it = 1 }
    /^\)/ { in_it = 0 }
    /^  stream-[a-z]+\)/ { in_it = $1 == program ")" }
    in_it' "$SHARDLOG_SOURCE/completions/zsh/_shardlog" \
    | sed -nE "s/^ *['\"](\([^)]*\))?\*?(--?[A-Za-z0-9][a-z-]*)[+=]?\[.*/\2/p"
}

# "complete -c stream-put -s k -l key" is -k and --key.
fish_options() {
  grep -E "^complete -c $1 " "$SHARDLOG_SOURCE/completions/fish/$1.fish" | sed -E "s/ -[ad] '.*//" \
    | grep -oE -e ' -s [A-Za-z0-9]| -l [a-z-]+' | sed -E 's/ -s /-/; s/ -l /--/'
}

sorted() {
  LC_ALL=C sort
}

# Fails where an expectation compares nothing with nothing.
expect_some() {
  [ -n "$1" ] || fail "no options were found"
}

@test "the manual has the options of --help, in the same order" {
  for program in $programs; do
    expected=$(help_options "$program")
    expect_some "$expected"
    expect_equal "$program: $(manual_options "$program")" "$program: $expected"
  done
}

@test "-h names no option that --help lacks" {
  for program in $programs; do
    own_lines=$("$program" -h | sed -E '/^  [^- ]/s/.*(stream-)/\1/')  # an example may begin with another program
    found=$(grep -oE -e '(^| |\()--?[A-Za-z][a-z-]*' <<<"$own_lines" | names | sorted | uniq)
    expect_some "$found"
    expect_equal "$program: $(comm -23 <(echo "$found") <(help_options "$program" | sorted))" "$program: "
  done
}

@test "-h has at most 24 lines and at least three examples" {
  for program in $programs; do
    "$program" -h >"$STDOUT"
    [ "$(wc -l <"$STDOUT")" -le 24 ] || fail "$program -h has $(wc -l <"$STDOUT") lines"
    examples=$(sed -n '/^Examples:/,/^$/p' "$STDOUT" | grep -c "$program")
    [ "$examples" -ge 3 ] || fail "$program -h has $examples examples"
  done
}

@test "bash completes the options of --help and no others" {
  for program in $programs; do
    expect_equal "$program: $(bash_offers "$program" - | sorted)" "$program: $(help_options "$program" | sorted)"
  done
}

@test "bash completes every long option from a part of it" {
  for program in $programs; do
    for option in $(help_options "$program" | grep -e '^--'); do
      bash_offers "$program" "${option:0:4}" | grep -qxe "$option" || fail "$program: $option is not offered"
    done
  done
}

@test "bash completes values, streams and files" {
  expect_silence stream-create here
  mkdir streams
  expect_silence stream-create streams/below
  touch file
  expect_equal "$(bash_offers stream-put --sync '')" $'full\nnormal'
  expect_equal "$(bash_offers stream-put --sync = n)" normal
  expect_equal "$(bash_offers stream-put --missing-key '')" $'error\nnone'
  expect_equal "$(bash_offers stream-get --from t)" $'trim-horizon\ntoday'
  expect_equal "$(bash_offers stream-get --sample-by '')" $'record\nkey'
  expect_equal "$(bash_offers stream-get -d , he)" here
  expect_equal "$(bash_offers stream-get he)" here
  expect_equal "$(STREAM_DIR=streams bash_offers stream-get -f be)" below
  expect_equal "$(bash_offers stream-put -k key he)" here
  expect_equal "$(bash_offers stream-put here 'fi')" file
  expect_equal "$(bash_offers stream-put --key '')" ""
  expect_equal "$(bash_offers stream-get here '')" ""
  expect_equal "$(bash_offers stream-reshard '')" $'split\nmerge\nscale\nauto'
  expect_equal "$(bash_offers stream-reshard --at 5 split he)" here
  expect_equal "$(bash_offers stream-reshard split here '')" 0
}

@test "bash completes the streams below \$STREAM_DIR or here, without a slash, and quoted" {
  expect_silence stream-create orders
  mkdir -p streams/deep other
  expect_silence stream-create streams/deep/logs
  mkdir 'my streams'
  expect_silence stream-create 'my streams/a'
  expect_equal "$(bash_offers stream-get o)" $'orders\nother/'
  expect_equal "$(bash_offers stream-get streams/d)" streams/deep/
  expect_equal "$(bash_offers stream-get streams/deep/)" streams/deep/logs
  expect_equal "$(bash_offers stream-get 'my\ streams/')" 'my\ streams/a'
  expect_equal "$(STREAM_DIR='my streams' bash_offers stream-get '')" a
  expect_equal "$(STREAM_DIR=streams bash_offers stream-get ./o)" $'./orders\n./other/'
  expect_equal "$(bash_offers stream-get nothing)" ""
}

@test "bash completes shards, consumers and producers of the stream on the line, and writes nothing" {
  expect_silence stream-create s --shards 2
  expect_silence stream-reshard split s 1
  echo a | expect_silence stream-put s -k k --producer 'import 7'
  expect_status 0 stream-get s -c billing
  expect_status 0 stream-get s -c nightly
  ls -A s >before
  sha256sum s/stream.db s/stream.db-wal s/lock >>before
  expect_equal "$(bash_offers stream-get s --shard '')" $'0\n1\n2\n3'
  expect_equal "$(bash_offers stream-get s -c '')" $'billing\nnightly'
  expect_equal "$(bash_offers stream-get s --consumer = n)" nightly
  expect_equal "$(bash_offers stream-stats s -c b)" billing
  expect_equal "$(bash_offers stream-put s --producer '')" 'import\ 7'
  expect_equal "$(bash_offers stream-reshard split s '')" $'0\n2\n3'
  expect_equal "$(bash_offers stream-reshard scale s '')" ""
  expect_equal "$(bash_offers stream-reshard auto s '')" ""
  expect_equal "$(bash_offers stream-get missing --shard '' 2>&1)" ""
  ls -A s >after
  sha256sum s/stream.db s/stream.db-wal s/lock >>after
  expect_same after before
}

@test "zsh and fish complete streams, and what the stream on the line has" {
  expect_silence stream-create s --shards 2
  mkdir -p streams/deep
  expect_silence stream-create streams/logs
  expect_silence stream-reshard split s 1
  echo a | expect_silence stream-put s -k k --producer 'import 7'
  expect_status 0 stream-get s -c billing
  expect_equal "$(fish_offers 'stream-get ')" $'s\nstreams/'
  expect_equal "$(fish_offers 'stream-get streams/')" $'streams/deep/\nstreams/logs'
  expect_equal "$(STREAM_DIR=streams fish_offers 'stream-get ')" logs
  expect_equal "$(fish_offers 'stream-get s --shard ')" $'0\n1\n2\n3'
  expect_equal "$(fish_offers 'stream-get s -c ')" billing
  expect_equal "$(fish_offers 'stream-put s --producer ')" 'import 7'
  expect_equal "$(fish_offers 'stream-reshard split s ')" $'0\n2\n3'
  expect_equal "$(fish_offers 'stream-get --sample-by ')" $'key\nrecord'
  expect_equal "$(zsh_adds _shardlog_stream stream-get '')" $'s\nstreams'
  expect_equal "$(zsh_adds _shardlog_stream stream-get streams/)" $'logs\ndeep'
  expect_equal "$(STREAM_DIR=streams zsh_adds _shardlog_stream stream-get '')" logs
  expect_equal "$(zsh_adds '_shardlog_names shard' stream-get s --shard '')" $'0\n1\n2\n3'
  expect_equal "$(zsh_adds '_shardlog_names consumer' stream-get -c '' s)" billing
  expect_equal "$(zsh_adds '_shardlog_names producer' stream-put s --producer '')" 'import 7'
  expect_equal "$(zsh_adds '_shardlog_names open_shard' stream-reshard split s '')" $'0\n2\n3'
}

@test "zsh completes the options of --help and no others" {
  for program in $programs; do
    expect_equal "$program: $(zsh_options "$program" | sorted)" "$program: $(help_options "$program" | sorted)"
  done
}

@test "fish completes the options of --help and no others" {
  for program in $programs; do
    expect_equal "$program: $(fish_options "$program" | sorted)" "$program: $(help_options "$program" | sorted)"
  done
}

@test "the completions are valid in their shells" {
  bash -n "$SHARDLOG_SOURCE/completions/bash/shardlog"
  zsh -n "$SHARDLOG_SOURCE/completions/zsh/_shardlog"
  local file
  for file in "$SHARDLOG_SOURCE"/completions/fish/{,functions/}*.fish; do fish -n "$file"; done
}

@test "the manual is clean, and every page is installed" {
  for page in "$SHARDLOG_SOURCE"/man/*.[0-9]; do
    expect_equal "$(mandoc -T lint -W warning "$page" 2>&1)" ""
    grep -qw "${page##*/}" "$SHARDLOG_SOURCE/man/CMakeLists.txt" || fail "${page##*/} is not installed"
  done
  for program in $programs; do
    [ -e "$SHARDLOG_SOURCE/man/$program.1" ] || fail "no manual of $program"
  done
}

# Installs the manual, and nothing else, below the working directory.
install_manual() {
  cmake -DCMAKE_INSTALL_PREFIX="$PWD" -P "$SHARDLOG_BIN/../man/cmake_install.cmake" >/dev/null
}

@test "'man shardlog' opens the introduction, with man-db and with mandoc" {
  install_manual
  for reader in man mman; do
    command -v "$reader" >/dev/null || continue
    MANPAGER=cat "$reader" -M "$PWD/share/man" shardlog >page 2>/dev/null || fail "$reader finds no page"
    grep -q 'SHARDLOG(7)' page || fail "$reader opens $(head -n 1 page)"
  done
  expect_same share/man/man1/shardlog.1 "$SHARDLOG_SOURCE/man/shardlog.7"
}

@test "-h of stream-get has the positions of the manual, but for the sequence numbers" {
  positions=$(stream-get -h | sed -n 's/^ *--from POSITION *//p')
  for position in trim-horizon latest last:N time; do
    [[ $positions == *$position* ]] || fail "-h does not name $position: $positions"
  done
}

@test "shardlog(5) has the tables of a stream, with their very texts" {
  expect_silence stream-create s
  sqlite3 -readonly s/stream.db "SELECT sql FROM sqlite_schema ORDER BY name" >expected
  sed -n '/^\.Bd -literal$/,/^\.Ed$/p' "$SHARDLOG_SOURCE/man/shardlog.5" \
    | sed -n '/^CREATE/{:more;N;/STRICT/!b more;s/\n  */ /g;p}' >got
  expect_same got expected
}

@test "shardlog(3) has the example that is installed, and every error code in its order" {
  sed -n '/^\.Sh EXAMPLES$/,/^\.Sh ERRORS$/p' "$SHARDLOG_SOURCE/man/shardlog.3" | sed -n '/^\.Bd -literal$/,/^\.Ed$/p' | sed '1d;$d;s/\\e/\\/g' >example
  expect_same example "$SHARDLOG_SOURCE/man/follow.cpp"
  sed -n 's/^\.It Er //p' "$SHARDLOG_SOURCE/man/shardlog.3" >got
  sed -n '/^enum class ErrorCode/,/^}/p' "$SHARDLOG_SOURCE/lib/shardlog/core/error.h" | sed -nE 's/^  ([a-z_]+),.*/\1/p' >expected
  [ -s expected ]
  expect_same got expected
}

@test "the pages in the README are such as stream-stats prints on 80 and on 200 columns" {
  sed -n '/^orders  4 shards open/,/^```$/p' "$SHARDLOG_SOURCE/README.md" | sed '/^```$/q' >page
  grep -q '^billing .* falling behind by ' page
  ! LC_ALL=C.UTF-8 grep -E '^.{81}' page
  sed -n '/^orders  4 shards open/,/^```$/p' "$SHARDLOG_SOURCE/README.md" | sed '1,/^```$/d' >wide
  grep -qE '^shardId-000000000003 .* [0-9a-f]{8}-ffffffff$' wide
  ! LC_ALL=C.UTF-8 grep -E '^.{201}' wide
  # A column that is added must not be missing there.
  stream-create s --shards 4 --limits kinesis --retention 7d
  python3 "$SHARDLOG_SOURCE/tests/cli/on_screen.py" 60 200 stream-stats s | grep '^ *shard ' | sed 's/  */ /g' | tr -d '\r' >expected
  grep '^ *shard ' wide | sed 's/  */ /g' >got
  [ -s got ]
  expect_same got expected
}

@test "the README says which rows of tests/bench its figures come from, and these rows are there" {
  python3 -B "$SHARDLOG_SOURCE/tests/bench/table.py" . --list | sed 's/ .*//' | sorted >rows
  sed -n '/^<!-- The rows of tests\/bench/,/-->$/p' "$SHARDLOG_SOURCE/README.md" | grep -oE '(put|get)_[a-z0-9_]+|follow' | sorted | uniq >named
  [ "$(wc -l <named)" -ge 10 ]
  comm -13 rows named >missing
  expect_same missing /dev/null
}
