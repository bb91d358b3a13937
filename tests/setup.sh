# Sourced by tests/run, tests/demo and tests/bench/run: installs missing Debian packages without asking.

build_packages="g++ cmake ninja-build libcbor-dev libfmt-dev liblz4-dev libmicrohttpd-dev libnats-dev libnghttp2-dev libpcre2-dev libsimdjson-dev
  libsqlite3-dev libsqlitecpp-dev libssl-dev libxxhash-dev libzstd-dev nettle-dev"
test_packages="awscli bats bindfs clang clang-format clang-tidy curl e2fsprogs faketime fish jq libclang-rt-14-dev libfuse3-dev
  libgtest-dev librapidcheck-dev mandoc mount nats-server prometheus python3 python3-boto3 python3-cbor2 python3-h2 sqlite3 strace tzdata
  util-linux zsh"

# Installs those of the named packages that are missing.
install_missing() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  local as_root=(env DEBIAN_FRONTEND=noninteractive)
  if [ "$(id -u)" -ne 0 ]; then
    echo "Packages are missing and you are not root: installing them with sudo."
    as_root=(sudo -n "${as_root[@]}")
    if ! sudo -n true 2>/dev/null; then
      echo "sudo would ask for a password here. Please run: sudo apt-get install ${missing[*]}" >&2
      exit 77
    fi
  fi
  echo "Installing: ${missing[*]}"
  "${as_root[@]}" apt-get -qq update
  "${as_root[@]}" apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Installs a package of npm in build/npm. Fails if there is no npm, or no registry in reach.
install_from_npm() {
  [ ! -d "build/npm/node_modules/${1%@*}" ] || return 0
  command -v npm >/dev/null && mkdir -p build/npm &&
    timeout 120 npm install --prefix build/npm --silent --no-audit --no-fund --ignore-scripts "$1"
}

install_sdk() {
  install_from_npm @aws-sdk/client-kinesis@3.1143.0 ||
    echo "npm cannot install the AWS SDK for JavaScript: its tests are skipped." >&2
}

# An emulator of Kinesis, to measure ourselves beside it.
install_kinesalite() {
  install_from_npm kinesalite@3.3.3 || echo "npm cannot install kinesalite: nothing is measured beside it." >&2
}

# Configures and builds a preset.
build_preset() {
  cmake --preset "$1" >/dev/null
  cmake --build --preset "$1"
}
