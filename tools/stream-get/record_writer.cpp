#include "tools/stream-get/record_writer.h"

#include "tools/stream-get/delimited_form.h"
#include "tools/stream-get/frame_form.h"
#include "tools/stream-get/json_form.h"
#include "tools/stream-get/template_form.h"

namespace shardlog::cli {

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

}  // namespace shardlog::cli
