#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/stream-get/record_writer.h"
#include "tools/stream-get/template.h"

namespace shardlog::cli {

/// A template, filled for each record, and a newline. On a terminal what the records hold is escaped; the template's
/// own text is not.
class TemplateForm final : public RecordWriter {
 public:
  TemplateForm(std::vector<TemplatePart> parts, Output& output) : RecordWriter(output), parts_(std::move(parts)) {}

  void write(const StoredBatch& batch, std::span<const RecordRun> runs) override;

 private:
  void set_time(Timestamp arrived_at);
  void append(const TemplatePart& part, const Record& record, const SequenceNumber& sequence);
  void append_text(std::string_view text);
  void append_hash(const Record& record);

  std::vector<TemplatePart> parts_;
  std::string shard_;  // these two are of the batch
  Timestamp arrived_at_{};
  std::string time_;
  std::string local_time_;
  std::string line_;
};

}  // namespace shardlog::cli
