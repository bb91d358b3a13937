#include "tools/stream-get/batch_renderer.h"

namespace shardlog::cli {

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

}  // namespace shardlog::cli
