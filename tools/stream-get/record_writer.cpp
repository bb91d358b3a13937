#include "tools/stream-get/record_writer.h"

#include <fmt/format.h>

#include <utility>

#include "shardlog/core/frame.h"
#include "shardlog/core/printable.h"
#include "shardlog/core/utf8.h"
#include "tools/common/base64.h"
#include "tools/common/json_text.h"
#include "tools/common/times.h"
#include "tools/stream-get/template.h"

namespace shardlog::cli {

namespace {

bool is_whole(const RecordBatch& records, std::span<const RecordRun> runs) {
  return runs.size() == 1 && runs.front().count == records.size();
}

void append_json_key(std::string& to, const Record& record) {
  if (record.key) {
    append_json_string(to, *record.key);
  } else {
    to += "null";
  }
}

/// The data of each record, followed by a delimiter.
class DelimitedForm final : public RecordWriter {
 public:
  DelimitedForm(std::string delimiter, Output& output) : RecordWriter(output), delimiter_(std::move(delimiter)) {}

  void write(const StoredBatch& batch, std::span<const RecordRun> runs) override {
    if (delimiter_ == "\n" && !output().is_terminal()) return write_lines(batch, runs);
    for_each_record(batch.records, runs, [this](std::size_t, const Record& record) {
      if (output().is_terminal()) {
        text_.clear();
        append_printable(text_, record.data);
        output().write(text_);
      } else {
        output().write(record.data);
      }
      output().write(delimiter_);
      end_record();
    });
  }

 private:
  /// As they are stored: a whole batch is one write.
  void write_lines(const StoredBatch& batch, std::span<const RecordRun> runs) {
    if (is_whole(batch.records, runs) && !notes_ends()) {
      return batch.pinned ? output().write(batch.records.lines(), *batch.pinned)
                          : output().write(batch.records.lines());
    }
    for_each_record(batch.records, runs, [this](std::size_t, const Record& record) {
      output().write({record.data.data(), record.data.size() + 1});  // a newline follows in memory
      end_record();
    });
  }

  std::string delimiter_;
  std::string text_;
};

/// One JSON object per line; stream-get(1) lists the members. It is the same on a terminal: JSON escapes everything.
class JsonForm final : public RecordWriter {
 public:
  using RecordWriter::RecordWriter;

  void write(const StoredBatch& batch, std::span<const RecordRun> runs) override {
    const std::string head = R"({"shard":")" + batch.shard.to_string() + R"(","sequence":")";
    Timestamp arrived_at = batch.arrivals[0];
    const auto member = [](Timestamp time) { return R"(,"arrived":")" + to_rfc3339(time) + '"'; };
    std::string arrived = member(arrived_at);
    for_each_record(batch.records, runs, [&](std::size_t index, const Record& record) {
      line_ = head;
      line_ += batch.sequences[index].to_string();
      line_ += R"(","key":)";
      append_json_key(line_, record);
      if (record.explicit_hash_key) line_ += R"(,"hash_key":")" + record.explicit_hash_key->to_string() + '"';
      if (batch.arrivals[index] != arrived_at) arrived = member(arrived_at = batch.arrivals[index]);
      line_ += arrived;
      if (utf8_length(record.data)) {
        line_ += R"(,"data":)";
        append_json_string(line_, record.data);
      } else {
        line_ += R"(,"data_base64":)";
        append_json_base64(line_, record.data);
      }
      line_ += "}\n";
      output().write(line_);
      end_record();
    });
  }

 private:
  std::string line_;
};

/// Frames as in core/frame.h. A whole batch goes out as it is stored. If only a part of a batch is written, each run of
/// records is a frame.
class FrameForm final : public RecordWriter {
 public:
  FrameForm(std::string uuid, Output& output) : RecordWriter(output), uuid_(std::move(uuid)) {
    if (output.is_terminal()) throw Error(ErrorCode::usage, "--frames: not for a terminal; write to a file or a pipe");
  }

  void write(const StoredBatch& batch, std::span<const RecordRun> runs) override {
    if (is_whole(batch.records, runs) && batch.arrivals.at_once()) {
      return write_frame(batch, runs.front(), batch.records.payload());
    }
    std::vector<Record> records;
    auto run = runs.begin();
    std::size_t first = 0;  // the index of records.front()
    for_each_record(batch.records, runs, [&](std::size_t index, const Record& record) {
      if (records.empty()) first = index;
      records.push_back(record);
      const bool last_of_run = index + 1 == run->first + run->count;
      if (!last_of_run && batch.arrivals[index + 1] == batch.arrivals[first]) return;  // a frame has one arrival
      write_frame(batch, {first, records.size()}, encode(records).payload.view());
      records.clear();
      if (last_of_run) ++run;
    });
  }

 private:
  void write_frame(const StoredBatch& batch, const RecordRun& run, std::string_view payload) {
    output().write(frame_header({uuid_, batch.shard, batch.sequences[run.first], batch.arrivals[run.first]}, payload));
    output().write(payload);
    for (std::size_t i = 0; i < run.count; ++i) end_record();  // readers need the whole frame
  }

  std::string uuid_;
};

/// A template, filled in for each record, and a newline. On a terminal the fields are escaped; the template's own text
/// is not.
class TemplateForm final : public RecordWriter {
 public:
  TemplateForm(std::vector<TemplatePart> parts, Output& output) : RecordWriter(output), parts_(std::move(parts)) {}

  void write(const StoredBatch& batch, std::span<const RecordRun> runs) override {
    shard_ = batch.shard.to_string();
    for_each_record(batch.records, runs, [&](std::size_t index, const Record& record) {
      if (time_.empty() || batch.arrivals[index] != arrived_at_) set_time(batch.arrivals[index]);
      line_.clear();
      for (const TemplatePart& part : parts_) append(part, record, batch.sequences[index]);
      line_ += '\n';
      output().write(line_);
      end_record();
    });
  }

 private:
  void set_time(Timestamp arrived_at) {
    arrived_at_ = arrived_at;
    time_ = to_rfc3339(arrived_at_);
    local_time_ = to_local_rfc3339(arrived_at_);
  }

  void append(const TemplatePart& part, const Record& record, const SequenceNumber& sequence) {
    using Field = TemplatePart::Field;
    const auto add = [this](std::string_view text) { line_ += text; };
    switch (part.field) {
      case Field::text:
        return add(part.text);
      case Field::data:
        return append_text(record.data);
      case Field::data_json:
        return append_json_text(line_, record.data);
      case Field::data_base64:
        return append_base64(line_, record.data);
      case Field::key:
        return append_text(record.key.value_or(""));
      case Field::key_json:
        return append_json_key(line_, record);
      case Field::shard:
        return add(shard_);
      case Field::sequence:
        return add(sequence.to_string());
      case Field::time:
        return add(time_);
      case Field::time_local:
        return add(local_time_);
      case Field::date:
        return add(std::string_view(local_time_).substr(0, local_time_.find('T')));
      case Field::hash:
        return append_hash(record);
    }
  }

  void append_text(std::string_view text) {
    if (output().is_terminal()) {
      append_printable(line_, text);
    } else {
      line_ += text;
    }
  }

  void append_hash(const Record& record) {
    if (record.explicit_hash_key) {
      line_ += record.explicit_hash_key->to_string();
    } else if (record.key) {
      line_ += HashKey::of(*record.key).to_string();
    }
  }

  std::vector<TemplatePart> parts_;
  std::string shard_;  // of the batch
  Timestamp arrived_at_{};
  std::string time_;        // arrived_at_ in UTC
  std::string local_time_;  // arrived_at_ in local time
  std::string line_;
};

}  // namespace

std::unique_ptr<RecordWriter> make_record_writer(const OutputForm& form, const std::string& uuid, Output& output) {
  switch (form.kind) {
    case OutputForm::Kind::delimited:
      break;
    case OutputForm::Kind::json:
      return std::make_unique<JsonForm>(output);
    case OutputForm::Kind::frames:
      return std::make_unique<FrameForm>(uuid, output);
    case OutputForm::Kind::format:
      return std::make_unique<TemplateForm>(parse_template(form.text), output);
  }
  return std::make_unique<DelimitedForm>(form.text, output);
}

BatchRenderer::BatchRenderer(const OutputForm& form, const std::string& uuid, bool for_terminal)
    : output_([this](std::string_view bytes) { rendering_.text += bytes; }, for_terminal),
      writer_(make_record_writer(form, uuid, output_)) {
  writer_->note_ends(rendering_.ends);
}

const Rendering& BatchRenderer::render(const consuming::Batch& batch) {
  const std::uint64_t start = output_.position();
  rendering_.text.clear();
  rendering_.ends.clear();
  for (const consuming::Slice& slice : batch.slices) {
    const RecordRun run{slice.first, slice.count};
    writer_->write(*slice.stored, {&run, 1});
  }
  output_.flush();
  for (std::uint64_t& end : rendering_.ends) end -= start;
  return rendering_;
}

std::string text_of(const Gap& gap) {
  return fmt::format("gap: {} {}..{} {}", gap.shard.to_string(), gap.first.to_string(), gap.last.to_string(),
                     gap.reason == Gap::Reason::lost ? "lost" : "trimmed");
}

}  // namespace shardlog::cli
