#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "shardlog/log/stream.h"
#include "tools/common/output.h"
#include "tools/stream-get/options.h"
#include "tools/stream-get/record_run.h"

namespace shardlog::cli {

/// Writes records in one form. In every form for people to read, what comes from the stream cannot command a terminal.
class RecordWriter {
 public:
  explicit RecordWriter(Output& output) : output_(output) {}
  virtual ~RecordWriter() = default;

  /// The records of `runs`, which are in order and do not overlap.
  virtual void write(const StoredBatch& batch, std::span<const RecordRun> runs) = 0;

  /// From now on `ends`, which must outlive this, gets the position of the output behind each record.
  void note_ends(std::vector<std::uint64_t>& ends) { ends_ = &ends; }

 protected:
  [[nodiscard]] Output& output() const { return output_; }
  [[nodiscard]] bool notes_ends() const { return ends_ != nullptr; }

  /// To be called behind each record.
  void end_record() {
    if (ends_ != nullptr) ends_->push_back(output_.position());
  }

 private:
  Output& output_;
  std::vector<std::uint64_t>* ends_ = nullptr;
};

/// The writer of the form that was asked for. `uuid` is the stream's; `output` must outlive the writer.
/// Throws usage where the form makes no sense: a template that is none, frames for a terminal.
std::unique_ptr<RecordWriter> make_record_writer(const OutputForm& form, const std::string& uuid, Output& output);

}  // namespace shardlog::cli
