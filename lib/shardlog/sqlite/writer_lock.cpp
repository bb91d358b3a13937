#include "shardlog/sqlite/writer_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <iterator>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/little_endian.h"
#include "shardlog/core/threads.h"
#include "shardlog/sqlite/file_system.h"
#include "shardlog/sqlite/lock_wait.h"

namespace shardlog::sqlite {

namespace {

/// A mark on disk, eight bytes each, little-endian: "shlgmark", batch, numbers, and the XXH3-64 of these, seeded with
/// that of the stream's UUID.
using MarkBytes = std::array<char, 32>;

constexpr std::string_view magic = "shlgmark";
constexpr off_t mark_size = sizeof(MarkBytes);
constexpr std::size_t checked_size = sizeof(MarkBytes) - sizeof(std::uint64_t);

std::uint64_t checksum_of(const MarkBytes& bytes, const std::string& stream_uuid) {
  return XXH3_64bits_withSeed(bytes.data(), checked_size, XXH3_64bits(stream_uuid.data(), stream_uuid.size()));
}

MarkBytes encode(const DurableMark& mark, const std::string& stream_uuid) {
  MarkBytes bytes{};
  char* const numbers = std::copy(magic.begin(), magic.end(), bytes.data());
  char* const checksum = store(store(numbers, mark.batch), mark.numbers);
  store(checksum, checksum_of(bytes, stream_uuid));
  return bytes;
}

/// Empty if the bytes are damaged, or the mark of another stream.
std::optional<DurableMark> decode(const MarkBytes& bytes, const std::string& stream_uuid) {
  if (!std::equal(magic.begin(), magic.end(), bytes.data())) return std::nullopt;
  if (load<std::uint64_t>(bytes.data() + checked_size) != checksum_of(bytes, stream_uuid)) return std::nullopt;
  const char* const numbers = bytes.data() + magic.size();
  return DurableMark{load<std::int64_t>(numbers), load<std::int64_t>(numbers + sizeof(std::int64_t))};
}

struct stat facts_of(int file, const std::string& path) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) throw system_error("look at " + quote(path), errno);
  return facts;
}

bool lock_now(int file) {
  while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) throw system_error("lock the stream", errno);
  }
  return true;
}

}  // namespace

/// flock(2) queues but knows no timeout, so a thread waits, and gives the lock back by itself if nobody wants it any
/// more. It owns a duplicate of the descriptor: both share one open file, to which the lock belongs.
class WriterLock::Waiter : public std::enable_shared_from_this<Waiter> {
 public:
  enum class Outcome { held, given_back, timeout };

  explicit Waiter(int file) : file_(::fcntl(file, F_DUPFD_CLOEXEC, 0)) {
    if (!file_.valid()) throw system_error("lock the stream", errno);
  }

  void start() {
    start_thread([self = shared_from_this()] { self->run(); }).detach();
  }

  /// May be called again after a timeout. `given_back`: the lock was held and given back before this call.
  Outcome wait(Duration timeout) {
    std::unique_lock guard(mutex_);
    wanted_ = true;
    changed_.wait_for(guard, timeout, [this] { return outcome_ != Outcome::timeout || error_ != 0; });
    if (error_ != 0) throw system_error("lock the stream", error_);
    wanted_ = outcome_ == Outcome::held;
    return outcome_;
  }

 private:
  void run() {
    int result = 0;
    do {
      result = ::flock(file_.get(), LOCK_EX);
    } while (result != 0 && errno == EINTR);
    const std::lock_guard guard(mutex_);
    if (result != 0) {
      error_ = errno;
    } else if (wanted_) {
      outcome_ = Outcome::held;
    } else {
      ::flock(file_.get(), LOCK_UN);
      outcome_ = Outcome::given_back;
    }
    changed_.notify_one();
  }

  FileDescriptor file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = true;
  Outcome outcome_ = Outcome::timeout;  ///< so far
  int error_ = 0;
};

WriterLock::WriterLock(const std::string& path, bool for_writing)
    : path_(path),
      file_(::open(path.c_str(), (for_writing ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) {
  if (!file_.valid() && errno == ELOOP) throw Error(ErrorCode::corrupt, quote(path) + " is a symbolic link");
  if (!file_.valid()) throw system_error("open " + quote(path), errno);
  const auto facts = facts_of(file_.get(), path);
  if (!S_ISREG(facts.st_mode)) throw Error(ErrorCode::corrupt, quote(path) + " is not a regular file");
  if (facts.st_nlink > 1) throw Error(ErrorCode::corrupt, quote(path) + " has other hard links");
}

WriterLock::Held::~Held() {
  if (lock_ != nullptr) ::flock(lock_->file_.get(), LOCK_UN);
}

WriterLock::Held WriterLock::acquire(Duration timeout) const {
  if (auto held = try_acquire_for(timeout)) return std::move(*held);
  throw held_too_long(path_.substr(0, path_.rfind('/')), timeout);
}

std::optional<WriterLock::Held> WriterLock::try_acquire_for(Duration timeout) const {
  while (true) {
    if (pending_ == nullptr) {
      if (lock_now(file_.get())) return std::optional<Held>(std::in_place, *this);
      const auto waiter = std::make_shared<Waiter>(file_.get());
      waiter->start();
      pending_ = waiter;
    }
    const Waiter::Outcome outcome = pending_->wait(timeout);
    if (outcome == Waiter::Outcome::timeout) break;
    pending_.reset();
    if (outcome == Waiter::Outcome::held) return std::optional<Held>(std::in_place, *this);
  }
  return std::nullopt;
}

std::optional<WriterLock::Held> WriterLock::try_acquire() const {
  if (pending_ != nullptr) {
    Waiter::Outcome outcome = pending_->wait(Duration(0));
    if (outcome == Waiter::Outcome::timeout) {
      if (!lock_now(file_.get())) return std::nullopt;
      outcome = pending_->wait(std::chrono::minutes(1));  // takes no time: we hold what it waits for
    }
    pending_.reset();
    if (outcome == Waiter::Outcome::held) return std::optional<Held>(std::in_place, *this);
  }
  return lock_now(file_.get()) ? std::optional<Held>(std::in_place, *this) : std::nullopt;
}

void WriterLock::check_present() const {
  const auto mine = facts_of(file_.get(), path_);
  const auto there = look_at(path_);
  if (!there || mine.st_nlink == 0 || !same_file(mine, *there)) {
    throw Error(ErrorCode::not_found, "the stream was removed while it was in use");
  }
}

void WriterLock::announce_commit() const {
  ::futimens(file_.get(), nullptr);
}

void WriterLock::announce_commit(const DurableMark& mark) const {
  const MarkBytes bytes = encode(mark, stream_uuid_);
  // One call for the notice and the mark costs no more than the notice alone.
  if (::pwrite(file_.get(), bytes.data(), bytes.size(), 0) != std::ssize(bytes)) announce_commit();
}

std::optional<DurableMark> WriterLock::mark() const {
  MarkBytes bytes{};
  const ssize_t got = ::pread(file_.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) throw system_error("read " + quote(path_), errno);  // there may be a mark that tells of a loss
  if (got != std::ssize(bytes)) return std::nullopt;
  return decode(bytes, stream_uuid_);
}

bool WriterLock::outcome_unknown() const {
  const off_t size = facts_of(file_.get(), path_).st_size;
  return size != 0 && size != mark_size;
}

void WriterLock::set_outcome_unknown(bool unknown) const {
  const off_t kept = facts_of(file_.get(), path_).st_size < mark_size ? 0 : mark_size;
  if (::ftruncate(file_.get(), kept + (unknown ? 1 : 0)) != 0) throw system_error("mark " + quote(path_), errno);
}

}  // namespace shardlog::sqlite
