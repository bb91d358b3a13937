#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "shardlog/consuming/delivery.h"
#include "shardlog/log/stream.h"
#include "tools/common/output.h"
#include "tools/stream-get/options.h"
#include "tools/stream-get/record_run.h"

namespace shardlog::cli {

/// Writes records in one form. On a terminal, bytes of a record that could control the terminal are escaped.
class RecordWriter {
 public:
  explicit RecordWriter(Output& output) : output_(output) {}
  virtual ~RecordWriter() = default;

  /// The records of `runs`, which are in order and do not overlap.
  virtual void write(const StoredBatch& batch, std::span<const RecordRun> runs) = 0;

  /// From now on, appends the output's position after each record to `ends`. `ends` must outlive this.
  void note_ends(std::vector<std::uint64_t>& ends) { ends_ = &ends; }

 protected:
  [[nodiscard]] Output& output() const { return output_; }
  [[nodiscard]] bool notes_ends() const { return ends_ != nullptr; }

  /// Each form calls this after each record.
  void end_record() {
    if (ends_ != nullptr) ends_->push_back(output_.position());
  }

 private:
  Output& output_;
  std::vector<std::uint64_t>* ends_ = nullptr;
};

/// The writer of a form. `uuid` is the stream's; `output` must outlive the writer. Throws usage if the form makes no
/// sense: a template with an unknown field, frames for a terminal.
std::unique_ptr<RecordWriter> make_record_writer(const OutputForm& form, const std::string& uuid, Output& output);

/// The records of a batch in one form.
struct Rendering {
  std::string text;
  std::vector<std::uint64_t> ends;  ///< where each record ends in it; records of one frame end together
};

/// Makes the text of a batch in memory. For one thread.
class BatchRenderer {
 public:
  /// `for_terminal` escapes what could control a terminal. Throws as make_record_writer().
  BatchRenderer(const OutputForm& form, const std::string& uuid, bool for_terminal);

  /// Valid until the next call.
  const Rendering& render(const consuming::Batch& batch);

 private:
  Rendering rendering_;
  Output output_;
  std::unique_ptr<RecordWriter> writer_;
};

/// "gap: shardId-000000000000 12..40 trimmed", or "lost".
std::string text_of(const Gap& gap);

}  // namespace shardlog::cli
