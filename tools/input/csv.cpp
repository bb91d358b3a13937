#include "tools/input/csv.h"

#include <algorithm>
#include <cstring>

namespace shardlog::cli {

namespace {

/// Returns `end` if the byte is not there.
const char* find(char byte, const char* at, const char* end) {
  const void* const found = at == end ? nullptr : std::memchr(at, byte, static_cast<std::size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}

}  // namespace

void CsvScanner::restart() {
  state_ = State::field_start;
  ended_ = false;
  line_feeds_ = 0;
}

const char* CsvScanner::fault() const {
  if (state_ == State::wrong) return "text after the quote that ends a field";
  return state_ == State::quoted ? "a quote that never ends" : nullptr;
}

const char* CsvScanner::end_at(const char* line_feed) {
  ended_ = true;
  ++line_feeds_;
  return line_feed;
}

const char* CsvScanner::find_end(const char* at, const char* end) {
  if (ended_) restart();
  if (at != end && (state_ == State::field_start || state_ == State::plain)) {  // most lines have no quote
    const char* const line_feed = find('\n', at, end);
    if (line_feed != end && find('"', at, line_feed) == line_feed) return end_at(line_feed);
  }
  while (at != end) {
    if (state_ == State::quoted) {
      const char* const quote = find('"', at, end);
      line_feeds_ += static_cast<std::uint64_t>(std::count(at, quote, '\n'));
      if (quote == end) return nullptr;
      state_ = State::closing;
      at = quote + 1;
    } else if (*at == '\n') {
      return end_at(at);
    } else {
      state_ = state_after(*at++);
    }
  }
  return nullptr;
}

CsvScanner::State CsvScanner::state_after(char byte) const {
  const bool ends_field = byte == separator_;
  switch (state_) {
    case State::field_start:
      if (byte == '"') return State::quoted;
      return ends_field ? State::field_start : State::plain;
    case State::closing:
      if (byte == '"') return State::quoted;
      if (byte == '\r') return State::closing_cr;
      return ends_field ? State::field_start : State::wrong;
    case State::plain:
      return ends_field ? State::field_start : State::plain;
    default:
      return State::wrong;
  }
}

std::optional<CsvFields::Field> CsvFields::next() {
  if (!rest_) return std::nullopt;
  Field field;
  if (rest_->starts_with('"')) {
    field = take_quoted();
  } else {
    field.text = rest_->substr(0, rest_->find(separator_));
    rest_->remove_prefix(field.text.size());
  }
  if (rest_->empty()) {
    rest_.reset();
  } else {
    rest_->remove_prefix(1);
  }
  return field;
}

CsvFields::Field CsvFields::take_quoted() {
  Field field;
  rest_->remove_prefix(1);
  std::size_t end = rest_->find('"');
  while (end != std::string_view::npos && rest_->substr(end + 1).starts_with('"')) {
    field.doubled = true;
    end = rest_->find('"', end + 2);
  }
  field.text = rest_->substr(0, end);
  rest_->remove_prefix(std::min(rest_->size(), field.text.size() + 1));
  return field;
}

std::string value_of(const CsvFields::Field& field) {
  std::string value;
  for (std::size_t at = 0; at < field.text.size(); ++at) {
    value += field.text[at];
    if (field.doubled && field.text[at] == '"') ++at;
  }
  return value;
}

}  // namespace shardlog::cli
