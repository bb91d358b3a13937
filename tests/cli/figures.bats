#!/usr/bin/env bats
# The figures of stream-stats by their names: as JSON, as conditions, for Prometheus; and as pictures.

load helpers

# put_frames STREAM LINE...: in one commit, what write_frames.py makes of the lines.
put_frames() {
  local stream=$1
  shift
  printf '%s\n' "$@" | python3 "$SHARDLOG_SOURCE/tests/cli/write_frames.py" \
    | expect_silence stream-put "$stream" --frames --keep-times
}

# A stream with a consumer that has read nothing of its 1,200 records, of which the oldest are 5 minutes old.
make_late() {
  stream-create s --shards 2 --limits kinesis --retention 8m
  put_frames s '300 600 nine_data a' '0 600 nine_data b'
  expect_status 0 stream-get s -q -c billing --new --seek trim-horizon
  expect_status 0 stream-get s -q -c audit --new --seek trim-horizon
  expect_status 0 stream-get s -q -c audit --exec 'cat >/dev/null'
}

@test "--json has the figures by name, of the stream and of each consumer" {
  make_late
  expect_equal "$(figures s '.figures | [.incoming_records, .incoming_bytes, .open_shards, .records, .backlog, .retention, .utilisation]')" \
    '[10,100,2,1200,1200,480,1]'
  expect_equal "$(figures s '[.consumers[] | .figures | [.backlog, .workers]]')" '[[0,0],[1200,0]]'
  expect_equal "$(figures s '.consumers[] | select(.consumer == "billing") | .figures.age >= 300 and .figures.age < 480')" true
  # Those of 5 minutes ago, and the others once their minute is over.
  expect_equal "$(figures s '.last_hour.incoming_records | length, (map(. * 60) | add | round | . == 600 or . == 1200)' | tr '\n' ' ')" \
    '60 true '
  expect_equal "$(figures s '.consumers[1] | [.caught_up_in_seconds, .loses_data_in_seconds <= 180]')" '[null,true]'
  expect_success stream-stats s
  grep -qE '^billing .* no worker; loses data in (2m [0-9]+s|3m)$' "$STDOUT"
}

@test "--check is silent if all holds, or says which does not and by how much" {
  make_late
  expect_silence stream-stats s --check 'records=1200' --check 'age < 1h'
  expect_silence stream-stats s -c audit --check 'age<30s' --check 'backlog<1'
  expect_status 1 stream-stats s -c billing --check 'age<30s' --check 'backlog<1000' --check 'backlog<=1200'
  local time='([0-9]+)m( ([0-9]+)s)?'
  expect_equal "$(sed -E "s/ $time, $time / T /" "$STDOUT")" $'s: billing: age is T more than 30s\ns: billing: backlog is 1,200, 200 more than 1000'
  # The age that it says, and by how much that is too much.
  expect_equal "$(($(sed -nE "s/.* age is $time, $time more .*/\\1 * 60 + 10#0\\3 - \\4 * 60 - 10#0\\6/p" "$STDOUT")))" 30
  expect_empty "$STDERR"
  expect_status 1 stream-stats s --check 'backlog<1000'
  expect_stdout 's: backlog is 1,200, 200 more than 1000'
}

@test "--check of what does not exist is no success" {
  make_late
  expect_failure 66 "consumer 'billin': no such consumer" stream-stats s -c billin --check 'age<30s'
  expect_failure 66 "'agee': a stream has no such figure; did you mean 'age'\?" stream-stats s --check 'agee<30s'
  expect_failure 66 "'utilisation': a consumer has no such figure" stream-stats s -c billing --check 'utilisation<5'
  expect_failure 66 's: put_records_latency_p99 is not known now' stream-stats s --check 'put_records_latency_p99<1s'
  expect_failure 64 "--check 'age' is not a condition" stream-stats s --check age
  expect_failure 64 "--check 'age<30' needs a time, as 30s" stream-stats s --check 'age<30'
  expect_failure 64 'which stream' stream-stats --check 'age<30s'
  expect_failure 64 'does not go with' stream-stats s --check 'age<30s' --json
  expect_failure 66 "no such stream" stream-stats missing --check 'age<30s'
}

@test "damaged metrics make some figures unknown, and nothing else" {
  make_late
  python3 "$SHARDLOG_SOURCE/tests/cli/forge.py" s 'UPDATE metrics SET checksum = ~checksum'
  expect_success stream-stats s
  grep -qx 'damaged      some of what was measured cannot be read: see --verify' "$STDOUT"
  expect_silence stream-stats s --check 'backlog<2000' --check 'incoming_records>1'
  expect_failure 66 's: outgoing_records is not known now' stream-stats s --check 'outgoing_records<1'
  expect_equal "$(figures s '.figures | [.outgoing_records, .dropped_records, .backlog]')" '[null,null,1200]'
  expect_success stream-stats s --prometheus
  ! grep -q shardlog_outgoing "$STDOUT"
  expect_success stream-stats s
  grep -qE '^out +- +- +- ' "$STDOUT"
  grep -qx 'latency      not known: what was measured is damaged' "$STDOUT"
  expect_success stream-stats s --html
  grep -qE '<td>out</td><td>-</td><td>-</td><td>-</td>' "$STDOUT"
  grep -q 'latencies are not known' "$STDOUT"
  expect_status 65 stream-stats s --verify
}

@test "the trend of a consumer that reports late is that of its backlog" {
  stream-create s
  local ago frames=()
  for ((ago = 900; ago > 60; ago -= 60)); do frames+=("$ago 60 nine_data a"); done
  put_frames s "${frames[@]}"
  expect_status 0 stream-get s -q -c late --exec 'cat >/dev/null'
  expect_status 0 stream-get s -q -c paused --new --seek trim-horizon
  seq 5 | stream-put s
  # As if both had been there for an hour: "late" has reported nothing of what it processed before this minute.
  python3 "$SHARDLOG_SOURCE/tests/cli/forge.py" s 'UPDATE consumers SET created_at = created_at - 3600000000'
  expect_equal "$(figures s '[.consumers[].trend > 0.3]')" '[false,true]'
  expect_silence stream-stats s -c late --check 'trend<=0' --check 'backlog=5'
}

@test "--prometheus prints what Prometheus takes, of one stream and of all" {
  make_late
  stream-create other
  put other 'a "record"'
  expect_success stream-stats s --prometheus
  for line in 'shardlog_incoming_records_per_second{stream="s"} 10' 'shardlog_records{stream="s"} 1200' \
    'shardlog_utilisation_ratio{stream="s"} 0.01' 'shardlog_consumer_backlog{stream="s",consumer="billing"} 1200' \
    'shardlog_incoming_records_total{stream="s",shard="shardId-000000000001"} 600' \
    '# TYPE shardlog_incoming_records_total counter' '# TYPE shardlog_consumer_age_seconds gauge'; do
    grep -qxF "$line" "$STDOUT" || fail "no line $line"
  done
  expect_success stream-stats --prometheus
  grep -qxF 'shardlog_records{stream="other"} 1' "$STDOUT"
  expect_equal "$(grep -c '^# TYPE shardlog_records ' "$STDOUT")" 1
  cp "$STDOUT" all
  expect_silence promtool check metrics <all
}

@test "the alerts are rules of Prometheus, and alerts and dashboard name figures that there are" {
  make_late
  expect_success promtool check rules "$SHARDLOG_SOURCE/share/doc/shardlog-alerts.yml"
  seq 100 | stream-put s
  expect_status 0 stream-get s -q -c billing --exec 'cat >/dev/null'
  stream-stats --prometheus | sed -nE 's/^# TYPE ([a-z_]+) .*/\1/p' | sort >known
  cd "$SHARDLOG_SOURCE/share/doc"
  jq -r '.panels[].targets[].expr' shardlog-dashboard.json | cat - shardlog-alerts.yml \
    | grep -oE 'shardlog_[a-z_]+' | sort -u >"$BATS_TEST_TMPDIR/used"
  cd - >/dev/null
  [ "$(wc -l <"$BATS_TEST_TMPDIR/used")" -gt 10 ]
  # Latencies are there only if something was measured.
  expect_equal "$(comm -13 known "$BATS_TEST_TMPDIR/used" | grep -vE '_(latency|delay|age)_seconds$')" ''
}

# series LABELS AGE: of a consumer on a host, in a stream that is kept for 480 seconds.
series() {
  echo "      - {series: 'shardlog_consumer_age_seconds{$1,job=\"node\",stream=\"s\",consumer=\"billing\"}', values: '$2+0x9'}"
  echo "      - {series: 'shardlog_retention_seconds{$1,job=\"node\",stream=\"s\"}', values: '480+0x9'}"
}

@test "the alert about a loss tells hosts apart whose streams have the same name" {
  cat >rules_test.yml <<YAML
rule_files: ["$SHARDLOG_SOURCE/share/doc/shardlog-alerts.yml"]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
$(series 'instance="one"' 300; series 'instance="two"' 200)
    alert_rule_test:
      - eval_time: 5m
        alertname: ShardlogConsumerLosesData
        exp_alerts:
          - exp_labels: {severity: critical, instance: one, job: node, stream: s, consumer: billing}
            exp_annotations:
              summary: "billing of s is 5m 0s behind, more than half of the retention"
      - eval_time: 5m
        alertname: ShardlogHasNoFigures
        exp_alerts:
          - exp_labels: {severity: warning}
            exp_annotations:
              summary: "no figures of any stream: does cron's STREAM_DIR name their directory?"
YAML
  expect_success promtool test rules rules_test.yml
}

@test "--history draws a day, or since a time" {
  make_late
  expect_success stream-stats s --history
  head -n 1 "$STDOUT" | grep -qE '^s  20..-..-.. ..:.. to 20..-..-.. ..:..$'
  grep -qx 'in, records/s' "$STDOUT"
  tail -n 2 "$STDOUT" | grep -qE '┬'
  expect_success stream-stats s --history --since 10m
  expect_equal "$(grep -E '^ *10/s │.*⣿' "$STDOUT" | wc -l)" 1
  ! grep -qE '^.{81}' "$STDOUT"
  expect_success env LC_ALL=en_US.utf-8 stream-stats s --history --since 10m
  grep -q '│' "$STDOUT"
  LC_ALL=C expect_success stream-stats s --history --since 10m
  LC_ALL=C grep -qE '^ *10/s \|.*#' "$STDOUT"
  ! LC_ALL=C grep -q '[^ -~]' "$STDOUT"
  expect_failure 64 "--since 'never' is not a time" stream-stats s --history --since never
  expect_failure 64 "--since 'tomorrow' is not in the past" stream-stats s --history --since tomorrow
  expect_failure 64 '--since needs --history or --html' stream-stats s --since 10m
}

@test "--html is one well-formed page without anything from elsewhere" {
  make_late
  mkdir 'x&y'
  stream-create 'x&y/other'
  expect_success stream-stats s --html
  cp "$STDOUT" page.html
  expect_success stream-stats 'x&y/other' --html
  python3 - page.html "$STDOUT" <<'PYTHON'
import html.parser, sys

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.tags = [], "", []
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        names = dict(attributes)
        assert not {"src", "href", "onload"} & set(names), names
        if tag not in ("meta",):
            self.open.append(tag)
    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.text += data

for name, words in ((sys.argv[1], ("billing", "loses data in", "1,200")), (sys.argv[2], ("x&y/other", "No consumer yet"))):
    page = Page()
    page.feed(open(name).read())
    assert page.open == [], page.open
    assert "script" not in page.tags and "url(" not in page.text
    for word in words:
        assert word in page.text, word
    pictures = page.tags.count("svg")
    assert pictures == page.tags.count("details") and (pictures > 0) == (name == sys.argv[1]), page.tags
PYTHON
}

# on_keyboard [EXPECT KEYS]... -- COMMAND...
on_keyboard() {
  python3 "$SHARDLOG_SOURCE/tests/cli/on_keyboard.py" "$@"
}

@test "the keys of --watch choose what is shown, and q ends it" {
  make_late
  expect_status 0 on_keyboard '1 overview' 4 'p99 of consumer' 3 'consumer  workers' 2 'hash keys' q -- \
    sh -c 'stty rows 24 cols 150 && stty -g >before && stream-stats s --watch 1h; status=$?; stty -g >after; exit $status'
  expect_same after before
}

@test "--watch leaves the terminal as it was, whatever ends it" {
  make_late
  local end
  for end in SIGINT SIGTERM SIGHUP '\x03'; do
    expect_status 0 on_keyboard '1 overview' "$end" -- \
      sh -c 'trap : INT TERM HUP; stty -g >before; stream-stats s --watch 1h; stty -g >after'
    expect_same after before
  done
}

@test "--watch leaves the terminal as it was while it is stopped by Ctrl-Z" {
  make_late
  # dash does not repair the terminal, as bash would.
  expect_status 0 on_keyboard '1 overview' '\x1a' -- \
    sh -c 'set -m; stty -g >before; stream-stats s --watch 1h; stty -g >after; kill -KILL %1; exit 0'
  expect_same after before
}

@test "--watch is not stopped if no shell could continue it" {
  make_late
  # Its process group is that of its terminal alone, as with 'ssh -t HOST stream-stats s --watch'.
  expect_status 0 on_keyboard '1 overview' '\x1a' '1 overview' SIGTSTP '1 overview' q -- stream-stats s --watch 200ms
}

@test "--watch sends no escapes to a dumb terminal" {
  make_late
  expect_status 143 on_keyboard billing SIGTERM -- env TERM=dumb stream-stats s --watch 1h
  grep -q '^billing ' "$STDOUT"
  ! grep -q $'\033' "$STDOUT"
}

@test "--watch leaves the keys to others unless it draws on the terminal itself" {
  make_late
  local watching
  for watching in 'stream-stats s --watch 1h | cat' 'stream-stats s --watch 1h --json'; do
    # The terminal shows what is typed, and q ends nothing.
    expect_status 130 on_keyboard billing zzq zzq SIGINT -- sh -c "$watching"
  done
}
