#include "contract/contract.h"
#include "support/memory_engine.h"

#ifdef SHARDLOG_SQLITE
#include "shardlog/sqlite/sqlite_engine.h"
#endif

#ifdef SHARDLOG_NATS
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <set>
#include <utility>

#include "shardlog/nats/nats_engine.h"
#endif

namespace shardlog::contract {

namespace {

/// As few promises as the seam allows, and a clock of its own.
std::unique_ptr<Engine> make_memory_apart() {
  test::MemoryTraits traits = test::unlike_sqlite();
  traits.capabilities.clock_of_caller = false;
  return std::make_unique<test::MemoryEngine>(traits);
}

#ifdef SHARDLOG_NATS

/// Streams of one replica on servers that other tests use too: the names of each test begin with something of their
/// own.
class Servers final : public Place {
 public:
  explicit Servers(std::string url) : url_(std::move(url)) {
    static std::atomic<int> tests = 0;
    prefix_ = "t" + std::to_string(getpid()) + "-" + std::to_string(++tests) + "-";
  }

  [[nodiscard]] std::string root() const override { return url_ + "/?replicas=1"; }
  [[nodiscard]] std::string address(const std::string& name) const override {
    names_.insert(name);
    return url_ + "/" + prefix_ + name + "?replicas=1";
  }
  [[nodiscard]] std::optional<std::string> name_of(const std::string& address) const override {
    const std::string name = address.substr(address.rfind('/') + 1);
    if (!name.starts_with(prefix_)) return std::nullopt;
    return name.substr(prefix_.size(), name.find('?') - prefix_.size());
  }
  void clear(Engine& engine, const Clock& clock) override {
    for (const std::string& name : std::exchange(names_, {})) {
      test::refusal([&] { engine.remove(address(name), {Access::write}, clock); });
    }
  }

 private:
  std::string url_;
  std::string prefix_;
  mutable std::set<std::string> names_;  ///< all that were asked for
};

/// The servers of tests/nats/cluster, if this test is run with them.
std::optional<std::string> servers() {
  const char* const url = std::getenv("SHARDLOG_NATS_URL");
  return url == nullptr ? std::nullopt : std::optional<std::string>(url);
}

#endif

}  // namespace

std::vector<Subject> subjects() {
  std::vector<Subject> all{
#ifdef SHARDLOG_SQLITE
      {"Sqlite", [] { return std::make_unique<sqlite::SqliteEngine>(); }},
#endif
      {"Memory", [] { return std::make_unique<test::MemoryEngine>(test::like_sqlite()); }},
  };
#ifdef SHARDLOG_NATS
  if (const auto url = servers()) {
    all.push_back({"Nats", [] { return std::make_unique<nats::NatsEngine>(); },
                   [url] { return std::make_unique<Servers>(*url); }});
  }
#endif
  all.push_back({"MemoryApart", &make_memory_apart});
  return all;
}

}  // namespace shardlog::contract
