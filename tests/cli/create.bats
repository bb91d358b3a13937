#!/usr/bin/env bats
# stream-create: what a new stream is, what is refused, and what --update changes.

load helpers

modes() {
  stat -c '%a %n' "$1" "$1"/* | sort
}

# expect_nothing_created STATUS PATTERN COMMAND...: refused, and nothing is left behind.
expect_nothing_created() {
  local before
  before=$(ls -A)
  expect_failure "$@"
  expect_equal "$(ls -A)" "$before"
}

# --- what is made ----------------------------------------------------------------------------------------------------------

@test "a new stream has one shard, takes 1 MiB and has no tags" {
  expect_silence stream-create s
  expect_equal "$(figures s '[.records, .bytes, (.shards | length), .max_record_size, .tags]')" '[0,0,1,1048576,{}]'
  expect_equal "$(ls -A)" s
  expect_success stream-stats --verify s
}

@test "every stream has a UUID of its own" {
  local n
  for n in 1 2 3; do expect_silence stream-create "s$n"; done
  for n in 1 2 3; do figures "s$n" .uuid; done | sort -u >uuids
  expect_equal "$(wc -l <uuids)" 3
  expect_equal "$(grep -cE '^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$' uuids)" 3
}

@test "only its owner may use a stream, whatever the umask" {
  local mask
  for mask in 000 022 077 277; do
    rm -rf s
    (umask "$mask" && expect_silence stream-create s && echo a | expect_silence stream-put s)
    expect_equal "$(modes s)" "$(printf '%s\n' '600 s/lock' '600 s/stream.db' '600 s/stream.db-shm' '600 s/stream.db-wal' '700 s')"
  done
}

@test "a stream that is shared belongs to its group, whatever the umask" {
  need_root "to choose a group"
  local group mask
  group=$(getent group | awk -F : '$3 > 0 { print $1; exit }')
  for mask in 000 022 077; do
    rm -rf s
    (umask "$mask" && expect_silence stream-create --group "$group" s && echo a | expect_silence stream-put s)
    expect_equal "$(modes s)" "$(printf '%s\n' '2770 s' '660 s/lock' '660 s/stream.db' '660 s/stream.db-shm' '660 s/stream.db-wal')"
    expect_equal "$(stat -c %G s s/* | sort -u)" "$group"
  done
}

@test "the members of the group can put and read" {
  need_root "to be several users"
  enter_public_directory
  local group gid
  IFS=: read -r group _ gid _ < <(getent group | awk -F : '$3 > 0 && $3 != 65534')
  expect_silence stream-create --group "$group" s
  echo one | expect_silence setpriv --reuid=12345 --regid="$gid" --clear-groups stream-put s
  echo two | expect_silence setpriv --reuid=12346 --regid=12346 --groups="$gid" stream-put s
  echo three | expect_silence stream-put s
  expect_success setpriv --reuid=12345 --regid="$gid" --clear-groups stream-get s
  expect_stdout $'one\ntwo\nthree'
  expect_failure 77 "[Pp]ermission" as_nobody stream-get s
}

@test "a group that does not exist is a usage error" {
  expect_nothing_created 64 "'no-such-group'" stream-create --group no-such-group s
  expect_nothing_created 64 "group" stream-create --group '' s
}

@test "a group that one is not in is a question of permission" {
  need_root "to be another user"
  enter_public_directory
  chmod 0777 .
  expect_nothing_created 77 "group" as_nobody stream-create --group "$(getent group | awk -F : '$3 > 0 && $3 != 65534 { print $1; exit }')" s
}

# --- what exists already ---------------------------------------------------------------------------------------------------

@test "a stream that exists is not made again, and stays as it is" {
  expect_silence stream-create s
  put s a
  expect_failure 73 "'s'.*taken" stream-create --shards 4 s
  expect_failure 73 "'s'.*taken" stream-create s/
  expect_data s a
  expect_equal "$(figures s '.shards | length')" 1
}

@test "whatever has the name is left alone" {
  echo data >file
  mkdir empty
  ln -s nowhere dangling
  mkfifo pipe
  local name
  for name in file empty dangling pipe; do expect_nothing_created 73 "'$name'.*taken" stream-create "$name"; done
  expect_equal "$(cat file)" data
  [ -z "$(ls -A empty)" ]
  [ -L dangling ]
}

@test "--if-missing makes a stream once" {
  expect_silence stream-create --if-missing --shards 3 s
  put s a
  expect_silence stream-create --if-missing --shards 3 s
  expect_silence stream-create --if-missing s
  expect_equal "$(figures s '[(.shards | length), .records]')" '[3,1]'
}

@test "--if-missing warns of each setting that is not as asked, and with --update makes it so" {
  expect_silence stream-create s --if-missing --update --shards 2 --retention 7d --tag owner=a
  expect_status 0 stream-create s --if-missing --shards 4 --retention 1d --compression none --tag owner=b --max-record-size 2MiB
  expect_equal "$(sed 's/^stream-create: stream .s. exists, //' "$STDERR")" "with 2 shards: stream-reshard scale s 4 changes that
and its --max-record-size is not as asked: --update sets it
and its --retention is not as asked: --update sets it
and its --compression is not as asked: --update sets it
and its --tag is not as asked: --update sets it"
  expect_silence stream-create s --if-missing --shards 2 --retention 7d --compression zstd --tag owner=a --max-record-size 1MiB
  expect_silence stream-create s --if-missing --update --retention 1d --tag owner=b
  expect_silence stream-create s --if-missing --retention 1d --tag owner=b
  expect_status 0 stream-create s --if-missing --tag other=
  expect_stderr_line "and its --tag is not as asked: --update sets it"
  expect_status 0 stream-create s --if-missing --update --shards 4
  expect_stderr_line "exists, with 2 shards: stream-reshard scale s 4 changes that"
  expect_silence stream-create s -q --if-missing --shards 4
}

@test "--if-missing wants a stream, not only a name" {
  mkdir empty
  expect_failure 66 "'empty'.*not a stream" stream-create --if-missing empty
  echo data >file
  expect_failure 66 "'file'" stream-create --if-missing file
  expect_equal "$(cat file)" data
}

@test "many that make one stream at once make one" {
  local n pids=()
  for n in $(seq 12); do
    stream-create --shards "$n" s 2>"messages$n" 3>&- &
    pids+=("$!")
  done
  local made=0 status
  for n in "${pids[@]}"; do
    status=0
    wait "$n" || status=$?
    [ "$status" -eq 0 ] && made=$((made + 1)) || expect_equal "$status" 73
  done
  expect_equal "$made" 1
  expect_success stream-stats --verify s
  rm messages*
  expect_equal "$(ls -A)" s
}

@test "--if-missing succeeds for all that make one stream at once" {
  local n pids=()
  for n in $(seq 12); do
    { stream-create --if-missing s && echo "$n" | stream-put s; } 3>&- &
    pids+=("$!")
  done
  for n in "${pids[@]}"; do wait "$n"; done
  expect_equal "$(stream-get s | sort -n)" "$(seq 12)"
  expect_equal "$(ls -A)" s
}

# --- what is refused ---------------------------------------------------------------------------------------------------------

@test "a name has 1 to 128 of a-z A-Z 0-9 _ . -" {
  local good bad
  for good in a A.b_c-9 .hidden ... _ "$(printf '%0128d' 0)"; do
    expect_silence stream-create "./$good"
    [ -d "./$good" ]
  done
  for bad in 'a b' 'a*' 'é' 'a:b' 'a,b' '~' "$(printf '%0129d' 0)" $'a\n' . .. /; do
    expect_nothing_created 64 "name" stream-create "./$bad"
  done
}

@test "slashes at the end do not matter" {
  expect_silence stream-create s///
  expect_equal "$(ls -A)" s
  put s/ a
}

@test "a name that begins with a dash is given behind --" {
  expect_silence stream-create -- -s1
  echo a | expect_silence stream-put -- -s1
  expect_success stream-get -- -s1
  expect_stdout a
}

@test "a stream has 1 to 10000 shards" {
  local bad
  for bad in 0 10001 -1 1.5 x '' 99999999999 4294967297 18446744073709551617 1e3 0x10; do
    expect_nothing_created 64 "shards|no number" stream-create --shards "$bad" s
  done
  expect_nothing_created 64 . stream-create --shards=-1 s
  expect_silence stream-create -s 10000 s
  expect_equal "$(figures s '.shards | length')" 10000
}

@test "the maximum record size is 1 KiB to 10 MiB" {
  local size bytes bad
  while read -r size bytes; do
    rm -rf s
    expect_silence stream-create --max-record-size "$size" s
    expect_equal "$size $(figures s .max_record_size)" "$size $bytes"
  done <<'SIZES'
1KiB 1024
1k 1024
1024 1024
1024B 1024
1.5k 1536
2kB 2000
1M 1048576
1MB 1000000
1MiB 1048576
2.5MiB 2621440
10MiB 10485760
10240KiB 10485760
10MB 10000000
0.001GB 1000000
SIZES
  for bad in 1023 10485761 0 -1 11MiB 1GiB 1kb 1Mib 1XB '1 MiB' '' k 1.2.3k 1.0001k .5M 1e6 99999999999999999999 9G; do
    expect_nothing_created 64 "size" stream-create --max-record-size "$bad" t
  done
}

@test "tags are kept as they were given" {
  expect_silence stream-create --tag owner=billing --tag 'schlüssel=wert = mehr' --tag 'quote"=\' --tag empty= s
  expect_equal "$(figures s .tags)" '{"empty":"","owner":"billing","quote\"":"\\","schlüssel":"wert = mehr"}'
}

@test "a tag is KEY=VALUE" {
  local bad
  for bad in novalue =value '' =; do expect_nothing_created 64 "tag" stream-create --tag "$bad" s; done
  expect_nothing_created 64 "UTF-8" stream-create --tag $'k=\xff' s
  expect_nothing_created 64 "UTF-8" stream-create --tag $'\xff=v' s
}

# tags N: as options, one a line.
tags() {
  seq -f '--tag=key%.0f=value' "$1"
}

@test "there are at most 50 tags, a key has up to 128 characters, a value up to 256" {
  local options
  mapfile -t options < <(tags 50)
  expect_silence stream-create "${options[@]}" fifty
  expect_equal "$(figures fifty '.tags | length')" 50
  mapfile -t options < <(tags 51)
  expect_nothing_created 64 "51 tags.*50" stream-create "${options[@]}" s
  local key value
  key=$(printf 'é%.0s' $(seq 128))
  value=$(printf '🦊%.0s' $(seq 256))
  expect_silence stream-create --tag "$key=$value" s
  expect_equal "$(figures s '[.tags[] | length]')" '[256]'
  expect_equal "$(figures s '[.tags | keys[0] | length]')" '[128]'
  expect_nothing_created 64 "128" stream-create --tag "x$key=v" t
  expect_nothing_created 64 "256" stream-create --tag "k=x$value" t
}

@test "the last tag of a key counts" {
  expect_silence stream-create --tag a=1 --tag a=2 s
  expect_equal "$(figures s .tags)" '{"a":"2"}'
}

@test "a place that is not there cannot hold a stream" {
  expect_nothing_created 73 "'missing" stream-create missing/s
  echo data >file
  expect_nothing_created 73 "'file" stream-create file/s
  STREAM_DIR=$PWD/missing expect_nothing_created 73 "/missing" stream-create s
}

@test "a place that one may not write to is a question of permission" {
  enter_public_directory
  mkdir closed
  chmod 0555 closed
  expect_nothing_created 77 "'closed/s'.*[Pp]ermission" as_nobody stream-create closed/s
  expect_nothing_created 77 "'closed/s'.*[Pp]ermission" as_nobody stream-create --if-missing closed/s
  [ -z "$(ls -A closed)" ]
}

@test "a read-only file system is a question of permission" {
  need_private_mounts "a read-only file system"
  mkdir mnt
  in_private_mounts '
    mount -t tmpfs -o ro none mnt
    expect_failure 77 "mnt/s" stream-create mnt/s'
}

@test "arguments that are not valid are usage errors" {
  expect_nothing_created 64 "STREAM" stream-create
  expect_nothing_created 64 . stream-create s t
  expect_nothing_created 64 "bogus" stream-create --bogus s
}

# --- --update ------------------------------------------------------------------------------------------------------------------

@test "--update changes the maximum record size for what comes" {
  expect_silence stream-create --max-record-size 2KiB s
  head -c 2000 /dev/zero | tr '\0' a | expect_silence stream-put s
  expect_silence stream-create --update --max-record-size 1KiB s
  head -c 2000 /dev/zero | tr '\0' b | expect_failure 65 "1024" stream-put s
  expect_silence stream-create --update --max-record-size 4KiB s
  head -c 4096 /dev/zero | tr '\0' c | expect_silence stream-put s
  expect_equal "$(figures s .max_record_size)" 4096
  expect_equal "$(stream-get s | tr -s ac)" $'a\nc'
  expect_success stream-stats --verify s
}

@test "--update adds, replaces and removes tags" {
  expect_silence stream-create --tag a=1 --tag b=2 --tag c=3 s
  expect_silence stream-create --update --tag b=two --tag empty= --untag c --tag d=4 --untag missing s
  expect_equal "$(figures s .tags)" '{"a":"1","b":"two","d":"4","empty":""}'
  expect_silence stream-create --if-missing --update --tag a= --untag b --untag d s
  expect_equal "$(figures s .tags)" '{"a":"","empty":""}'
  expect_equal "$(figures s .max_record_size)" 1048576
}

@test "--untag takes a key that --tag does not set, and goes with --update only" {
  expect_silence stream-create --tag a=1 s
  expect_failure 64 "--untag" stream-create --untag a s
  expect_failure 64 "--untag" stream-create --if-missing --untag a s
  expect_failure 64 "--untag 'a=1'" stream-create --update --untag a=1 s
  expect_failure 64 "--untag ''" stream-create --update --untag '' s
  expect_failure 64 "--untag 'a'.*same key" stream-create --update --untag a --tag a=2 s
  expect_equal "$(figures s .tags)" '{"a":"1"}'
}

@test "--update that changes nothing changes nothing" {
  expect_silence stream-create --tag a=1 s
  stream-stats --json s | jq 'del(.. | .stored_bytes?)' >expected
  expect_silence stream-create --update s
  stream-stats --json s | jq 'del(.. | .stored_bytes?)' >got
  expect_same got expected
}

@test "--update refuses what create refuses, and leaves all as it was" {
  expect_silence stream-create --tag a=1 s
  stream-stats --json s | jq 'del(.stored_bytes)' >expected
  local options
  mapfile -t options < <(tags 50)
  expect_failure 64 "51 tags" stream-create --update "${options[@]}" s
  expect_failure 64 "size" stream-create --update --max-record-size 11MiB s
  expect_failure 64 "size" stream-create --update --max-record-size 1023 --tag b=2 s
  expect_failure 64 "tag" stream-create --update --tag nothing s
  expect_failure 64 "shards" stream-create --update --shards 2 s
  expect_failure 64 "group" stream-create --update --group root s
  expect_failure 66 "no such stream" stream-create --update missing
  stream-stats --json s | jq 'del(.stored_bytes)' >got
  expect_same got expected
  expect_equal "$(ls -A)" $'expected\ngot\ns'
}

@test "--update does not touch the records, nor wakes what follows to anything wrong" {
  expect_silence stream-create s
  seq 1000 >input
  expect_silence stream-put s input
  start stream-get --follow s
  wait_until has_lines 1000 "$OUTPUT"
  expect_silence stream-create --update --tag a=b s
  put s last
  wait_until has_lines 1001 "$OUTPUT"
  expect_end_by TERM
  echo last >>input
  expect_same "$STDOUT" input
}

# --- --remove ------------------------------------------------------------------------------------------------------------------

@test "--remove deletes a stream and nothing else, and its name can be used again" {
  expect_silence stream-create s
  expect_silence stream-create other
  put s a b
  expect_silence stream-create --remove s/
  expect_equal "$(ls -A)" other
  expect_silence stream-create s
  expect_no_records s
}

@test "--remove tells a writer and a follower that have the stream open, and nothing more is acknowledged" {
  expect_silence stream-create s
  stream-get -f s >followed 2>follower 3>&- &
  local follower=$! status=0
  BACKGROUND+=("$follower")
  feed lines
  start stream-put s --ack <lines
  echo first >&"$FEED"
  wait_until has_lines 1 "$OUTPUT"
  wait_until has_lines 1 followed
  expect_silence stream-create --remove s
  echo second >&"$FEED"
  exec {FEED}>&-
  expect_exit 66
  expect_stderr_line "'s'.*removed.*; 1 record committed, the last is 1 of shardId-000000000000$"
  expect_equal "$(wc -l <"$STDOUT")" 1
  wait_until is_gone "$follower"
  wait "$follower" || status=$?
  expect_equal "$status $(cat followed)" "66 first"
  mv follower "$STDERR"
  expect_stderr_line "'s'.*removed"
  [ ! -e s ]
}

@test "--remove waits for a commit, as long as --timeout says" {
  expect_silence stream-create s
  flock --no-fork s/lock sleep 1000 3>&- &
  local holder=$!
  BACKGROUND+=("$holder")
  wait_until lock_is_held s
  expect_failure 75 "'s'.*process $holder \(sleep" stream-create --remove --timeout 50ms s
  expect_no_records s
}

@test "--remove refuses what is not a stream, and what holds more than one" {
  expect_failure 66 "'missing'" stream-create --remove missing
  mkdir empty
  echo data >file
  expect_failure 66 "'empty'" stream-create --remove empty
  expect_failure 66 "'file'" stream-create --remove file
  expect_silence stream-create s
  put s a
  echo data >s/notes
  expect_failure 73 "'s'.*also holds 'notes'" stream-create --remove s
  expect_equal "$(cat s/notes) $(stream-get s)" "data a"
  rm s/notes
  mkdir s/.hidden
  expect_failure 73 "'s'.*also holds '.hidden'" stream-create --remove s
  expect_data s a
}

@test "--remove goes with no other option of its own" {
  expect_silence stream-create s
  local option
  for option in --shards=2 --mode=on-demand --max-record-size=2KiB --retention=1d --compression=lz4 --tag=a=b --group=root --if-missing --update --force; do
    expect_failure 64 "--remove" stream-create --remove "$option" s
  done
  expect_no_records s
  expect_silence stream-create -q -v --timeout 1s --remove s
}

@test "--remove goes through a symbolic link, and leaves that" {
  mkdir deep
  expect_silence stream-create deep/s
  ln -s deep/s link
  expect_silence stream-create --remove link
  [ -L link ] && [ -z "$(ls -A deep)" ]
  expect_failure 66 "'link'" stream-create --remove link
}

@test "--remove of what one may not change is a question of permission, and changes nothing" {
  enter_public_directory
  mkdir closed
  expect_silence stream-create closed/s
  put closed/s a
  expect_failure 77 "'closed/s'.*[Pp]ermission" as_nobody stream-create --remove closed/s
  need_root "to give the stream to another user"
  chown -R 65534:65534 closed/s
  expect_failure 77 "'closed/s'.*[Pp]ermission" as_nobody stream-create --remove closed/s
  chown 65534 closed
  chmod 0500 closed/s
  expect_failure 77 "'closed/s'.*[Pp]ermission" as_nobody stream-create --remove closed/s
  expect_equal "$(ls -A closed) $(stream-get closed/s)" "s a"
}

@test "of many that remove a stream at once one does, and the others find none" {
  expect_silence stream-create s
  local n pids=() statuses=()
  for n in 1 2 3 4; do
    stream-create --remove s 2>"messages$n" 3>&- &
    pids+=("$!")
  done
  for n in "${pids[@]}"; do
    local status=0
    wait "$n" || status=$?
    statuses+=("$status")
  done
  expect_equal "$(printf '%s\n' "${statuses[@]}" | sort)" $'0\n66\n66\n66'
  rm messages*
  expect_equal "$(ls -A)" ""
}

# --- hash ranges -----------------------------------------------------------------------------------------------------------------

# expect_even_ranges STREAM N
expect_even_ranges() {
  stream-stats --json "$1" | python3 -c '
import json, sys
count = int(sys.argv[1])
step = 2**128 // count
shards = json.load(sys.stdin)["shards"]
expected = [(f"shardId-{i:012d}", i * step, (i + 1) * step - 1 if i + 1 < count else 2**128 - 1) for i in range(count)]
got = [(s["shard"], int(s["first_hash_key"]), int(s["last_hash_key"])) for s in shards]
assert got == expected, f"{count} shards"
assert all(s["open"] and s["records"] == 0 and s["first"] is None and s["last"] is None for s in shards)
' "$2"
}

@test "the hash ranges are those of Kinesis" {
  expect_silence stream-create -s 2 two
  expect_equal "$(figures two '.shards[1].first_hash_key')" '"170141183460469231731687303715884105728"'
  expect_silence stream-create -s 3 three
  expect_equal "$(figures three '[.shards[].first_hash_key]')" \
    '["0","113427455640312821154458202477256070485","226854911280625642308916404954512140970"]'
  expect_equal "$(figures three '.shards[2].last_hash_key')" '"340282366920938463463374607431768211455"'
}

@test "the hash ranges are even" {
  local count
  for count in 1 2 7 1000 9999 10000; do
    expect_silence stream-create --shards "$count" "s$count"
    expect_even_ranges "s$count" "$count"
  done
}
