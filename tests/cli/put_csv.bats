#!/usr/bin/env bats
# stream-put --csv: records of RFC 4180, compared with what Python's csv module reads.

load helpers

# expect_rows STREAM SEPARATOR FIELD FILE...: each record of the stream is a row that Python's csv finds in the files, with
# the same fields and the bytes it came with, and the key is that field of it.
expect_rows() {
  stream-get --json "$1" >got.json
  shift
  python3 - "$@" <<'PYTHON'
import csv, io, json, sys
separator, field, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
got = [json.loads(line) for line in open("got.json")]
text = "".join(open(name, newline="").read() for name in names)
rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if row]
assert len(got) == len(rows) > 0, (len(got), len(rows))
for record, row in zip(got, rows):
    assert list(csv.reader(io.StringIO(record["data"], newline=""), delimiter=separator, strict=True)) == [row], (record, row)
    key = row[field - 1] if field <= len(row) else ""
    assert record["key"] == (key or "(none)"), (record, row)
    at = text.index(record["data"])
    assert text[:at].strip("\r\n") == "", text[:at]
    text = text[at + len(record["data"]):]
assert text.strip("\r\n") == "", text
PYTHON
}

@test "--csv: a quoted field may hold commas, quotes and line ends" {
  new_stream s
  printf '1,"Smith, John","said ""hi"""\r\n2,"two\nlines","three\r\nlines\n"\n\n\r\n3,5" pipe,\n"4"\n""\n5,,last' >input
  expect_silence stream-put s --csv --key-field 2 --missing-key none_ input
  stream-get s --format '{data:json} {key:json}' >got
  cat >expected <<'END'
"1,\"Smith, John\",\"said \"\"hi\"\"\"" "Smith, John"
"2,\"two\nlines\",\"three\r\nlines\n\"" "two\nlines"
"3,5\" pipe," "5\" pipe"
"\"4\"" "none_"
"\"\"" "none_"
"5,,last" "none_"
END
  expect_same got expected
  new_stream t
  expect_silence stream-put t --csv --key-field 3 --missing-key none_ input
  expect_equal "$(stream-get t -n 1 --format '{key}')" 'said "hi"'
}

@test "--csv: random records are those of another reader of CSV, however they come" {
  local seed=$RANDOM separator
  echo "seed $seed"
  for separator in ',' ';'; do
    python3 - "$seed" "$separator" >input <<'PYTHON'
import csv, io, random, sys
r = random.Random(sys.argv[1])
out = io.StringIO(newline="")
for _ in range(1500):
    row = ["".join(r.choice(["a", "é", '"', ",", ";", "\n", "\r\n", " "]) for _ in range(r.randrange(6))) for _ in range(r.randrange(1, 5))]
    writer = csv.writer(out, delimiter=sys.argv[2], lineterminator=r.choice(["\n", "\r\n"]), quoting=r.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer.writerow(row)
sys.stdout.reconfigure(newline="")
sys.stdout.write(out.getvalue())
PYTHON
    rm -rf s
    new_stream s
    python3 -c '
import sys
data = open("input", "rb").read()
while data:
    size = 1 + len(data) % 37
    sys.stdout.buffer.write(data[:size])
    sys.stdout.buffer.flush()
    data = data[size:]' | expect_silence stream-put s --csv -F "$separator" --key-field 2 --missing-key '(none)'
    expect_rows s "$separator" 2 input
  done
}

@test "--header names the fields of each file, and is not stored" {
  new_stream s
  printf 'id,"customer, name",amount\n1,"Smith, J",5\n2,Bo,6\n' >a
  printf '\xef\xbb\xbfamount,id,"customer, name"\r\n7,3,Cy\r\n' >b
  : >empty
  printf 'id,"customer, name",amount\n' >alone
  expect_silence stream-put s --csv --header --key-field 'customer, name' a b empty alone
  expect_equal "$(stream-get s --format '{key}: {data}')" $'Smith, J: 1,"Smith, J",5\nBo: 2,Bo,6\nCy: 7,3,Cy'
  new_stream t
  expect_silence stream-put t --csv --header --key-field nothing --key-field id <<<$'nothing,id\n,1\n2,3'
  expect_silence stream-put t --csv --header --key-field 2 a
  expect_silence stream-put t --csv --header a
  expect_equal "$(stream-get t --format '{key}' | paste -sd '|')" '1|2|Smith, J|Bo||'
}

@test "--header: a field that is not there is told with the nearest name, before anything of the file is stored" {
  new_stream s
  printf 'id,customer,amount\n1,a,5\n' >a
  expect_failure 65 "line 1 of 'a': --key-field 'custmer': no field has that name; did you mean 'customer'\\?; no records" \
    stream-put s --csv --header --key-field custmer a
  expect_failure 65 "did you mean 'customer'" stream-put s --csv --header --on-error skip --key-field Customer a
  expect_failure 65 "'xyz': no field has that name; no records" stream-put s --csv --header --key-field xyz a
  expect_failure 65 "line 1 of .*its header: a quote that never ends" stream-put s --csv --header --on-error skip <<<'a,"b'
  expect_no_records s
  expect_failure 64 "customer.*--csv --header" stream-put s --csv --key-field customer a
  expect_failure 64 "customer.*--csv --header" stream-put s --key-field customer a
  expect_failure 64 "--header.*--csv" stream-put s --header a
  local bad
  for bad in '::' '"' '\n' '\r' 'é'; do expect_failure 64 "field-separator.*--csv" stream-put s --csv -F "$bad" a; done
  expect_failure 64 "does not go with" stream-put s --csv --json a
  expect_no_records s
}

@test "--csv: a quote that never ends is told with the line on which its record begins" {
  new_stream s
  printf 'a,"1\n2"\nb,2\nc,"never\nends\n\nd,4\n' >input
  expect_failure 65 "line 4 of 'input': a quote that never ends; 2 records committed" stream-put s --csv input
  expect_data s $'a,"1\n2"\nb,2'
  printf 'a\n\n"b" c\nd\n' >behind
  expect_failure 65 "line 3 of 'behind': text after the quote that ends a field; 1 record committed" stream-put s --csv behind
  expect_status 1 stream-put s --csv --ack --on-error skip behind
  expect_equal "$(cut -f 2 "$STDOUT" | paste -sd '|')" '4|text after the quote that ends a field|5'
  # Whatever is wrong with it, a record has the line on which it begins.
  printf 'h\n\n"a\n\n"\n\n,\n' | expect_failure 65 "line 7 of .*no partition key" stream-put s --csv --header --key-field 1
}

@test "--csv: a record that is too large is left out, and what comes after it is found" {
  new_stream s --max-record-size 1KiB
  python3 -c '
print("a,\"" + "x\n" * 510 + "\"\n" + "b,\"" + "x\n" * 511 + "\"\nc,\"" + "yy\n" * 30000 + "\"\nd,1\r")' >input
  expect_status 1 stream-put s --csv --on-error skip input
  grep -q "line 512 of 'input': over the stream's maximum" "$STDERR" || fail "$(cat "$STDERR")"
  grep -q "line 1024 of 'input': over the stream's maximum" "$STDERR" || fail "$(cat "$STDERR")"
  expect_equal "$(stream-get s --format '{data:json}' | cut -c 1-6 | paste -sd ' ')" '"a,\"x "d,1"'
  printf 'e\nf,"%2000d\n' 1 | expect_failure 65 "line 2 of .*maximum record size of 1024 bytes, or a quote that never ends" stream-put s --csv
}

@test "--csv goes with --producer, --sample, --rate and --ack" {
  new_stream s
  python3 -c '
print("id,note")
for n in range(300): print("%d,\"line\n%d\"" % (n, n))' >input
  head -n 201 input | expect_silence stream-put s --csv --header --key-field id --producer p
  expect_success stream-put s --csv --header --key-field id --producer p --ack input
  expect_equal "$(grep -c 'already stored' "$STDOUT") $(wc -l <"$STDOUT")" "100 300"
  expect_equal "$(stream-get s --format '{key}' | paste -sd ' ' | md5sum)" "$(seq 0 299 | paste -sd ' ' | md5sum)"
  new_stream t
  expect_silence stream-put t --csv --header --sample 10 --rate 1000 input
  expect_equal "$(figures t .records)" 30
}

@test "a key field of lines with quotes around it says once that --csv exists" {
  new_stream s
  printf '1,"Smith, John",x\n2,"Bo",y\n' >input
  expect_status 0 stream-put s --key-field 2 -F , input
  expect_stderr_line "--csv"
  expect_silence stream-put s -q --key-field 2 -F , input
  expect_silence stream-put s --key-field 1 -F , input
  expect_silence stream-put s --csv --key-field 2 input
}
