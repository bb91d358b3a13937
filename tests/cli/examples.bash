# The commands that README.md and the manual show, as text and as runs.

# read_examples FILE: the commands into COMMANDS and the output that is shown below each into SHOWN.
# A command ends where its line does not end with | or \.
read_examples() {
  local kind line
  COMMANDS=() SHOWN=()
  while IFS= read -r line; do
    kind=${line%% *} line=${line#* }
    case $kind in
      command) COMMANDS+=("$line") SHOWN+=("") ;;
      more) COMMANDS[-1]+=$'\n'$line ;;
      output) SHOWN[-1]+=$line$'\n' ;;
    esac
  done < <(case $1 in *.md) readme_lines "$1" ;; *) manual_lines "$1" ;; esac)
  [ ${#COMMANDS[@]} -gt 0 ] || fail "$1 has no examples"
}

readme_lines() {
  awk '
    /^```(sh|crontab)$/ { inside = 1; next }
    /^```/ { inside = 0 }
    inside { print (more ? "more " : "command ") $0; more = /[|\\]$/ }' "$1"
}

# In the manual a command begins with "$ ", and a line of a crontab with its five times.
manual_lines() {
  awk '
    /^\.S[hH] / { examples = $2 == "EXAMPLES" }
    !examples { next }
    /^\.Bd -literal/ { inside = 1; next }
    /^\.Ed/ { inside = 0 }
    /^\.Dl / || inside {
      sub(/^\.Dl /, ""); gsub(/\\\(dq/, "\""); gsub(/\\&/, ""); gsub(/\\e/, "\\")
      if (more) kind = "more"
      else if (sub(/^\$ /, "") || /^[0-9*\/]+ [0-9*\/]+ [0-9*]+ [0-9*]+ [0-9*]+ / || /^PATH=/) kind = "command"
      else kind = "output"
      print kind " " $0
      more = kind != "output" && /[|\\]$/
    }' "$1"
}

# example PATTERN: the one command of COMMANDS that matches, as it is run here.
example() {
  local command found=()
  for command in "${COMMANDS[@]}"; do
    # shellcheck disable=SC2053  # it is a pattern
    [[ $command != $1 ]] || found+=("$command")
  done
  [ ${#found[@]} -eq 1 ] || fail "${#found[@]} examples are like $1" || return
  here "${found[0]}"
}

# The command without the times of a crontab, with /srv here. In a crontab, % would be the end of the command.
here() {
  local command=$1
  if [[ $command =~ ^([0-9*/]+ ){5} ]]; then
    command=${command#"${BASH_REMATCH[0]}"}
    [[ $command != *%* ]] || fail "cron ends the command at %: $command" || return
  fi
  printf '%s' "${command//\/srv\//./}"
}

# run_example COMMAND: as an interactive shell would, but that what runs in the background is waited for.
run_example() {
  (
    set -o pipefail
    eval "$1" || exit
    for job in $(jobs -p); do wait "$job" || exit; done
  ) </dev/null 3>&-
}

# expect_examples FILE: each command does what it is for, in order, and prints what is shown.
expect_examples() {
  local number command status
  read_examples "$1" || return
  for number in "${!COMMANDS[@]}"; do
    command=$(here "${COMMANDS[number]}") status=0
    run_example "$command" >"$STDOUT" 2>"$STDERR" || status=$?
    [ "$status" -eq "$(status_of "$command")" ] || fail "exit $status: $command"$'\n'"$(cat -v "$STDERR")" || return
    [ -z "${SHOWN[number]}" ] || is_sample "${SHOWN[number]}" || expect_stdout "${SHOWN[number]%$'\n'}" || return
  done
}

# Some examples leave out a record, which is not a success.
status_of() {
  case $1 in
    *"--on-failure dead-letter:"* | *"--on-error skip"*) echo 1 ;;
    *) echo 0 ;;
  esac
}

# A page with a UUID or a time is different in every run.
is_sample() {
  [[ $1 =~ [0-9a-f]{8}-[0-9a-f]{4}- ]]
}

# --- stand-ins for what the examples start, and for what never ends ------------------------------------------------------------

# Reads what is there, and ends where the reader would wait for more. What "latest" waits for is there already.
stream-get() {
  local argument arguments=() more=() past=0
  for argument in "$@"; do
    case $argument in
      -f | --follow) more+=(--idle-exit 50ms) ;;
      latest) argument=trim-horizon ;;
      --idle-exit) past=2 ;;
      --on-failure) more+=(--retries 0) ;;  # without the pauses between them
    esac
    if [ "$past" -gt 0 ]; then past=$((past - 1)); else arguments+=("$argument"); fi
  done
  command stream-get "${arguments[@]}" "${more[@]}"
}

# A page that is shown again and again is stopped when it is there.
stream-stats() {
  if [[ " $* " != *" --watch"* ]]; then
    command stream-stats "$@"
    return
  fi
  start stream-stats "$@"
  wait_until has_lines 1 "$OUTPUT" && kill -INT "$PID" && wait_until is_gone "$PID"
}

# What comes to the file after the start, and nothing that was there before.
tail() {
  case "$*" in
    "-n 0 -F app.log") echo "ERROR: new" ;;
    "-n 0 -F orders.csv") echo "5,anna,new" ;;
    *) echo "tail $*: would store old lines again" >&2; return 64 ;;
  esac
}

# The other machine is a directory.
ssh() {
  mkdir -p "$1" && (cd "$1" && shift && eval "$*")
}

# A day is one that the test chooses.
date() {
  case "$*" in
    -I) echo "$TODAY" ;;
    "-I -d yesterday") echo "$YESTERDAY" ;;
    *) command date "$@" ;;
  esac
}

timeout() {
  shift && "$@"
}

make() {
  echo compiling
}

zstd() {
  cat
}

sudo() {
  "$@"
}

cmake() {
  case "$*" in
    "--preset release" | "--build --preset release") grep -q '"name": "release"' "$SHARDLOG_SOURCE/CMakePresets.json" ;;
    "--install build/release") grep -q 'build/\${presetName}' "$SHARDLOG_SOURCE/CMakePresets.json" ;;
    *) return 64 ;;
  esac
}
