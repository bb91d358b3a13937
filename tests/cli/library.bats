#!/usr/bin/env bats
# The library as other projects get it: from an installed tree, with nothing of this repository in sight.

load helpers

setup_file() {
  [ -e "$SHARDLOG_BIN/../lib/libshardlog.so" ] || fail "build the target 'libraries' first"
  export ROOT=$BATS_FILE_TMPDIR/root
  command cmake --install "$SHARDLOG_BIN/.." --prefix "$ROOT" >/dev/null || return
  export PKG_CONFIG_PATH=$ROOT/lib/pkgconfig EXAMPLE=$ROOT/share/doc/shardlog/examples/follow.cpp
}

# What the example prints of a stream of two shards. The MD5 of "dave" begins with 16, that of "anna" with a7 (md5sum): the
# one is in the lower half of the key space, the other in the upper.
expect_example() {
  local stream=$1
  shift
  expect_success "$@" "$stream"
  sort "$STDOUT" >sorted
  printf '%s\n' 'consumed 0 dave 1 pear' 'consumed 1 anna 2 apples' 'consumed 1 anna 5 plums' \
    'followed 0 dave 1 pear' 'followed 1 anna 2 apples' 'followed 1 anna 5 plums' >expected
  expect_same sorted expected
  # The program's consumer has read all.
  expect_silence stream-get "$stream" -c billing
}

# An error of the library is caught outside of it, with its code and message.
expect_refusal() {
  local status=0
  "$@" >"$STDOUT" 2>"$STDERR" || status=$?
  [[ $status -eq 1 && $(cat "$STDERR") == "follow: create stream 'there': the name is taken" ]] \
    || fail "exit $status: $(cat -v "$STDERR")"
}

exported() {
  nm -DC --defined-only "$ROOT/lib/libshardlog.so" | cut -c 20-
}

@test "the shared library shows what the installed headers declare, and nothing else" {
  exported >symbols
  [ "$(wc -l <symbols)" -gt 80 ] || fail "only $(wc -l <symbols) symbols"
  ! grep -m 3 -vE '^((typeinfo|typeinfo name|vtable) for )?shardlog::' symbols || fail "not shardlog's own"
  ! grep -E 'shardlog::sqlite' symbols || fail "of an engine"
  cat "$ROOT"/include/shardlog/*.h "$ROOT"/include/shardlog/*/*.h >declared
  # shardlog::Class::function[abi:cxx11](...) const: its last name.
  sed -nE 's/^shardlog::([A-Za-z_:]*::)?(~?[A-Za-z_0-9]+|operator[^(]+)(\[abi:cxx11\])?\(.*/\2/p' symbols | sort -u >names
  [ "$(wc -l <names)" -gt 40 ] || fail "only $(wc -l <names) names"
  while IFS= read -r name; do
    grep -qF -e "$name" declared || fail "no header declares $name"
  done <names
}

@test "whatever an installed header declares, the shared library has" {
  # Functions of the archive that nobody outside could call, but for members of classes that the headers only name.
  nm -C --defined-only "$ROOT/lib/libshardlog.a" 2>/dev/null | sed -nE 's/^[0-9a-f]+ T //p' | sort -u >defined
  exported | sort -u >symbols
  grep -vxF -f symbols defined | sed -nE 's/^shardlog::((consuming|producing|reshard)::)?([a-z_0-9]+)(\[abi:cxx11\])?\(.*/\3/p' \
    | sort -u >hidden
  grep -hE '^SHARDLOG_API [^=]*\(|^[A-Za-z].*[ >][a-z_0-9]+\(.*' -r "$ROOT/include/shardlog" \
    | sed -nE 's/^[^(]*[ &>]([a-z_0-9]+)\(.*/\1/p' | sort -u >declared
  [ "$(wc -l <declared)" -gt 30 ] || fail "only $(wc -l <declared) functions are declared"
  expect_equal "$(comm -12 hidden declared)" ""
}

@test "the shared library's name follows the version, and the programs do without it" {
  local version
  version=$(stream-get --version)
  version=${version##* }
  readelf -dW "$ROOT/lib/libshardlog.so" | grep -qF "soname: [libshardlog.so.${version%.*}]"
  [ -e "$ROOT/lib/libshardlog.so.$version" ]
  ! readelf -dW "$ROOT/bin/stream-get" | grep -F libshardlog
}

@test "the programs and the libraries find the module of an engine in the tree, wherever it is" {
  [ -e "$SHARDLOG_BIN/../lib/shardlog/nats.so" ] || skip "built without libnats"
  local program
  cp -R "$ROOT" moved
  # shellcheck disable=SC2046
  g++ -std=c++20 -c "$EXAMPLE" $(pkg-config --cflags shardlog)
  g++ follow.o -o follow -Lmoved/lib -lshardlog
  for program in moved/bin/stream-get "env LD_LIBRARY_PATH=$PWD/moved/lib ./follow"; do
    ! $program nats:a.b >"$STDOUT" 2>"$STDERR" || fail "$program: it is not a name"
    grep 'is not a name of a stream' "$STDERR" || fail "$program: $(cat "$STDERR")"
  done
  rm moved/lib/shardlog/nats.so
  expect_failure 64 "the engine for NATS is not there: install libnats" moved/bin/stream-get nats:orders
}

@test "the example builds with the CMake package, shared and static" {
  mkdir project
  cat >project/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.25)
project(example LANGUAGES CXX)
find_package(shardlog 0.2 QUIET)
if(shardlog_FOUND)
  message(FATAL_ERROR "another minor version is taken")
endif()
find_package(shardlog 0.1 REQUIRED)
add_library(object OBJECT ${EXAMPLE})
target_link_libraries(object PRIVATE shardlog::shardlog)
add_executable(follow $<TARGET_OBJECTS:object>)
target_link_libraries(follow PRIVATE shardlog::shardlog)
add_executable(follow-static $<TARGET_OBJECTS:object>)
target_link_libraries(follow-static PRIVATE shardlog::static)
set_target_properties(follow follow-static PROPERTIES LINKER_LANGUAGE CXX)
END
  cmake -S project -B built -DCMAKE_PREFIX_PATH="$ROOT" -DEXAMPLE="$EXAMPLE" >log 2>&1 || fail "$(cat log)"
  cmake --build built >log 2>&1 || fail "$(cat log)"
  expect_example there built/follow
  expect_refusal built/follow there
  ! readelf -dW built/follow-static | grep -F libshardlog
  expect_example other built/follow-static
}

@test "the example builds with pkg-config, shared and static" {
  # shellcheck disable=SC2046
  g++ -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -c "$EXAMPLE" $(pkg-config --cflags shardlog)
  g++ follow.o -o follow $(pkg-config --libs shardlog)
  g++ follow.o -o follow-static $(pkg-config --static --libs shardlog | sed 's/-lshardlog/-l:libshardlog.a/')
  export LD_LIBRARY_PATH=$ROOT/lib
  expect_example there ./follow
  expect_refusal ./follow there
  ! readelf -dW follow-static | grep -F libshardlog
  expect_example other ./follow-static
  expect_refusal ./follow-static there
}
