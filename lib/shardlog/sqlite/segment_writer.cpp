#include "shardlog/sqlite/segment_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/record_batch.h"
#include "shardlog/core/threads.h"
#include "shardlog/sqlite/payload_write.h"
#include "shardlog/sqlite/segment_removal.h"
#include "shardlog/sqlite/statements.h"
#include "shardlog/sqlite/stored_value.h"

namespace shardlog::sqlite {

namespace {

constexpr std::int64_t mib = 1024L * 1024;
constexpr std::size_t least_commit = 256UL * 1024;        // a smaller one is faster in rows: one file to sync
constexpr std::uint64_t least_input = 4UL * 1024 * 1024;  // a segment costs as much as several small commits
constexpr std::int64_t usual_segment = 128 * mib;
// A bounded stream gives its space back a segment at a time, so its segments are small parts of it.
constexpr std::int64_t least_segment = 16 * mib;
constexpr std::int64_t segments_of_bound = 64;

// Bytes that staging leaves free. If this process is killed meanwhile, what it has staged keeps its space until
// somebody takes the segment over, and trimming must have room until then.
constexpr std::int64_t left_free = 8 * mib;

/// When a segment is full; 0 for a stream that is too small for segments.
std::int64_t segment_size(const StreamSettings& settings) {
  if (settings.max_bytes == unbounded) return usual_segment;
  const auto part = static_cast<std::int64_t>(settings.max_bytes) / segments_of_bound;
  return part < least_segment ? 0 : std::min(part, usual_segment);
}

std::vector<std::string_view> payloads_of(std::span<const RoutedBatch> batches) {
  std::vector<std::string_view> payloads;
  payloads.reserve(batches.size());
  for (const RoutedBatch& each : batches) payloads.push_back(each.batch.payload.view());
  return payloads;
}

}  // namespace

SegmentWriter::SegmentWriter(Database& database, Committer& committer, const SegmentFiles& files)
    : database_(database),
      committer_(committer),
      files_(files),
      horizon_(database, "SELECT batch FROM trim_horizon LIMIT 1") {}

std::span<const PayloadPlace> SegmentWriter::stage(std::span<const RoutedBatch> batches, const Ahead& ahead,
                                                   const StreamSettings& settings) {
  most_ = segment_size(settings);
  const std::vector<std::string_view> payloads = payloads_of(batches);
  const std::size_t size = size_of(payloads);
  if (!is_for_segment(size)) {
    unstage();
    if (most_ == 0) let_go();
    return {};
  }
  end_ahead();
  std::vector<Staged> wanted = staged(payloads);
  if (is_synced_ && wanted == staged_) return places_;
  const bool goes_on =
      !is_synced_ && staged_.size() <= wanted.size() && std::equal(staged_.begin(), staged_.end(), wanted.begin());
  if (!goes_on) unstage();
  const std::span<const std::string_view> rest = std::span(payloads).subspan(staged_.size());
  if (!has_room_for(size_of(rest)) || (!own_ && !acquire())) {
    unstage();
    return {};
  }
  try {
    if (!staged_.empty()) begin_to_disk(own_->file.get(), places_.front().at, places_.back().end());
    write(rest);
    staged_ = std::move(wanted);
    // Other writers may have written too since each of them saw the same free space.
    if (!has_room_for(0)) {
      unstage();
      return {};
    }
    if (settings.max_bytes == unbounded) begin_ahead(ahead);
    sync();
  } catch (const Error& error) {
    const std::string segment = segment_name(own_->row.id);
    give_up();
    throw Error(error.code(), "append: " + segment + ": " + error.what() + "; nothing of it is stored");
  }
  return places_;
}

bool SegmentWriter::is_for_segment(std::size_t size) const {
  return most_ > 0 && size >= least_commit && (own_ || appended_ + size >= least_input);
}

bool SegmentWriter::has_room_for(std::size_t size) const {
  return files_.free_bytes() >= static_cast<std::int64_t>(size) + left_free;
}

std::vector<SegmentWriter::Staged> SegmentWriter::staged(std::span<const std::string_view> payloads) {
  std::vector<Staged> staged;
  staged.reserve(payloads.size());
  for (const std::string_view payload : payloads) {
    staged.push_back({payload.data(), payload.size(), payload_checksum(payload)});
  }
  return staged;
}

/// Gets a segment of its own. Returns false if it cannot have one: then the rows will do. A new segment needs the right
/// to list the directory, because its name is synced through that.
bool SegmentWriter::acquire() {
  if (is_refused_ || !files_.may_list()) return false;
  std::optional<Owned> owned;
  Leftovers leftovers;
  committer_.commit(
      Sync::normal, [&] { owned = take_over_or_allocate(leftovers); }, Told::nobody);
  leftovers.discard(committer_, files_);
  own_ = std::move(owned);
  return own_.has_value();
}

/// Empty if it cannot make a file, open it, or give it the owner and mode of the stream, or if a row is damaged. It
/// does not throw then, because an error of the disk would make the outcome of the transaction unknown. REQUIRES: a
/// transaction that writes is open, under the writer lock
std::optional<SegmentWriter::Owned> SegmentWriter::take_over_or_allocate(Leftovers& leftovers) {
  try {
    const std::vector<SegmentRow> rows = load_segments(database_);
    const std::vector<SegmentFiles::File> there = files_.list();
    Leftovers found = find_leftovers(files_, rows, there);
    auto owned = take_over(rows);
    if (!owned) {
      owned = allocate(rows, there);
    } else if (found.newest() > newest_id(rows)) {  // no other segment may get this id
      insert_segment(database_, {.id = found.newest(), .sealed = true});
    }
    leftovers = std::move(found);
    return owned;
  } catch (const Error& error) {
    // Only these stay as they are. Descriptors, for instance, may be lacking for a moment only.
    is_refused_ = error.code() == ErrorCode::permission || error.code() == ErrorCode::corrupt;
    return std::nullopt;
  }
}

std::optional<SegmentWriter::Owned> SegmentWriter::take_over(std::span<const SegmentRow> rows) {
  for (const SegmentRow& row : rows) {
    if (row.sealed) continue;
    try {
      if (auto owned = take_over(row)) return owned;
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): what cannot be opened is left alone
    }
  }
  return std::nullopt;
}

/// Only one that ends where it should; at `end`, if an earlier version wrote it. Bytes after that may be those of a
/// commit that nobody sees and that the recovery of the log will bring back: its writer was killed while it synced the
/// log. They must not be overwritten before a later commit is on disk, which remove_segments() sees to.
std::optional<SegmentWriter::Owned> SegmentWriter::take_over(const SegmentRow& row) {
  HeldSegment file = files_.hold(row.id, O_RDWR);
  if (!file.valid()) return std::nullopt;
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0 || facts.st_nlink != 1) return std::nullopt;
  if (facts.st_size != row.file_end() && facts.st_size != row.end) return std::nullopt;
  return Owned{row, std::move(file), row.end > 0};
}

/// Throws an Error only before it has changed a row.
SegmentWriter::Owned SegmentWriter::allocate(std::span<const SegmentRow> rows,
                                             std::span<const SegmentFiles::File> there) {
  // Larger than those of the leftovers, because another process may unlink them by name at any later time.
  const std::int64_t newest = newest_id(rows);
  SegmentRow row{.id = newest};
  for (const SegmentFiles::File& file : there) {
    if (is_within_reach(file.id, newest)) row.id = std::max(row.id, file.id);
  }
  HeldSegment file;
  while (!file.valid()) {
    row.id = stored_number("a new segment", row.id + 1, 1, most_counted);
    file = files_.create(row.id);
  }
  remove_empty_rows(database_, rows, there);
  insert_segment(database_, row);
  return {row, std::move(file)};
}

/// After those that are staged.
void SegmentWriter::write(std::span<const std::string_view> payloads) {
  if (staged_.empty()) places_.clear();
  const std::int64_t at = places_.empty() ? own_->row.file_end() : places_.back().end();
  write_payloads(own_->file.get(), payloads, at, Disk::at_once);
  const std::vector<PayloadPlace> places = places_from(at, payloads);
  places_.insert(places_.end(), places.begin(), places.end());
  if (::ftruncate(own_->file.get(), next_boundary(places_.back().end())) != 0) throw system_error("write", errno);
}

std::vector<PayloadPlace> SegmentWriter::places_from(std::int64_t at,
                                                     std::span<const std::string_view> payloads) const {
  std::vector<PayloadPlace> places;
  places.reserve(payloads.size());
  for (const std::string_view payload : payloads) {
    places.push_back({own_->row.id, at, payload.size()});
    at = places.back().end();
  }
  return places;
}

/// Begins to write what comes next where the next commit begins if this one is stored.
void SegmentWriter::begin_ahead(const Ahead& ahead) {
  const bool will_be_sealed = places_.back().end() >= most_;
  if (!ahead || following_ || will_be_sealed) return;
  following_ = std::make_unique<Following>();
  try {
    following_->thread = start_thread([this, ahead](const std::stop_token& stop) { write_ahead(ahead, stop); });
  } catch (const Error&) {  // the next commit writes it
    following_.reset();
  }
}

/// In a thread of its own. If it fails, the next commit tries again, and says why it cannot be done.
void SegmentWriter::write_ahead(const Ahead& ahead, const std::stop_token& stop) {
  Following& to = *following_;
  std::int64_t at = next_boundary(places_.back().end());
  try {
    do {
      const std::vector<std::string_view> payloads = ahead();
      if (payloads.empty() || !has_room_for(size_of(payloads))) return;
      to.has_failed = true;
      write_payloads(own_->file.get(), payloads, at, Disk::later);
      const std::vector<PayloadPlace> places = places_from(at, payloads);
      const std::vector<Staged> written = staged(payloads);
      to.places.insert(to.places.end(), places.begin(), places.end());
      to.payloads.insert(to.payloads.end(), written.begin(), written.end());
      at = to.places.back().end();
      to.has_failed = false;
    } while (!stop.stop_requested());
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): has_failed says it
  }
}

void SegmentWriter::end_ahead() noexcept {
  if (!following_ || !following_->thread.joinable()) return;
  following_->thread.request_stop();
  following_->thread.join();
  if (!following_->has_failed) return;
  cut_off(next_boundary(places_.back().end()));
  following_.reset();
}

/// Always, whatever Sync an append asks for: a row whose bytes are gone after a power cut is damage, not a loss.
void SegmentWriter::sync() {
  if (::fdatasync(own_->file.get()) != 0) throw system_error("sync", errno);
  is_synced_ = true;
  if (own_->is_named_on_disk) return;
  files_.sync();
  own_->is_named_on_disk = true;
}

bool SegmentWriter::claim(std::int64_t last_batch) {
  const std::int64_t end = places_.back().end();
  const SegmentRow after{.id = own_->row.id, .end = end, .sealed = end >= most_, .last_batch = last_batch};
  if (!replace_segment(database_, own_->row, after)) {
    let_go();
    return false;
  }
  claimed_ = after;
  return true;
}

bool SegmentWriter::let_go_if_trimmed() {
  if (!own_ || own_->row.end == 0) return false;
  Use horizon(horizon_);
  if (!horizon->executeStep() || horizon->getColumn(0).getInt64() < own_->row.last_batch) return false;
  unstage();
  let_go();
  return true;
}

void SegmentWriter::stored(std::span<const RoutedBatch> batches) {
  end_ahead();
  appended_ += size_of(payloads_of(batches));
  if (!claimed_) return;
  own_->row = *std::exchange(claimed_, std::nullopt);
  forget_staged();
  if (own_->row.sealed) {
    own_.reset();
  } else if (following_) {
    staged_ = std::move(following_->payloads);
    places_ = std::move(following_->places);
    following_.reset();
  }
}

void SegmentWriter::failed(bool nothing_stored) {
  end_ahead();
  const bool in_doubt = std::exchange(claimed_, std::nullopt) && !(nothing_stored && is_as_left());
  in_doubt ? let_go() : unstage();
}

/// Whether the database has the segment as this writer knows it: if it has moved its end, the bytes are in use.
bool SegmentWriter::is_as_left() noexcept {
  try {
    Prepared segment(database_, fmt::format("SELECT {} FROM segments WHERE id = ?", segment_columns));
    segment.bind(1, own_->row.id);
    return segment.executeStep() && read_segment_row(segment) == own_->row;
  } catch (const std::exception&) {
    return false;
  }
}

void SegmentWriter::let_go() noexcept {
  end_ahead();
  own_.reset();
  following_.reset();
  forget_staged();
}

void SegmentWriter::forget_staged() noexcept {
  staged_.clear();
  is_synced_ = false;
}

/// After an error of the disk: nobody writes to the segment again, because nobody knows what the disk holds of it. One
/// byte too many keeps others from taking it over until its seal is on disk, for which there may be no room now.
void SegmentWriter::give_up() noexcept {
  end_ahead();
  cut_off(own_->row.file_end() + 1);
  if (seal()) cut_off(own_->row.file_end());
  let_go();
}

/// Returns false if it is not sealed on disk.
bool SegmentWriter::seal() noexcept {
  SegmentRow sealed = own_->row;
  sealed.sealed = true;
  bool done = false;
  try {
    committer_.commit(
        Sync::full, [&] { done = replace_segment(database_, own_->row, sealed); }, Told::nobody);
  } catch (const std::exception&) {
    return false;
  }
  return done;
}

/// The bytes that were staged take space that others may need.
void SegmentWriter::unstage() noexcept {
  end_ahead();
  if (!staged_.empty()) cut_off(own_->row.file_end());
  following_.reset();
  forget_staged();
}

void SegmentWriter::cut_off(std::int64_t size) noexcept {
  if (::ftruncate(own_->file.get(), size) != 0) return;  // remove_segments() does it
}

}  // namespace shardlog::sqlite
