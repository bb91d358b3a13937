#include "tools/stream-serve/wire/cbor_in.h"

#include <cbor.h>

#include <cmath>
#include <memory_resource>
#include <string>
#include <utility>

namespace shardlog::serve::wire {

namespace {

constexpr std::uint64_t time_tag = 1;  // RFC 8949, section 3.4.2
constexpr std::size_t no_end = SIZE_MAX;

/// Builds values from the tokens of libcbor's decoder. The sizes that lists and maps announce are believed only as far
/// as there are items, so that a few bytes cannot ask for much memory.
class Builder {
 public:
  void scalar(Value::Kind kind, double number = 0, bool boolean = false) {
    Value value;
    value.kind = kind;
    value.number = std::exchange(is_time_, false) ? number / 1000 : number;
    value.boolean = boolean;
    add(std::move(value));
  }

  void real(double number) {
    is_time_ = false;  // in seconds
    if (!std::isfinite(number)) return fail();
    scalar(Value::Kind::number, number);
  }

  void text(Value::Kind kind, std::string_view text) {
    if (!open_.empty() && open_.back().is_string) {
      if (open_.back().value.kind != kind) return fail();
      open_.back().joined += text;
      return;
    }
    Value value;
    value.kind = kind;
    value.text = text;
    add(std::move(value));
  }

  void begin(Value::Kind kind, std::size_t size) {
    if (open_.size() == most_levels || ++values_ > most_values) return fail();
    Open opened;
    opened.value.kind = kind;
    opened.left = size;
    opened.is_string = kind == Value::Kind::text || kind == Value::Kind::bytes;
    open_.push_back(std::move(opened));
    if (size == 0) end();
  }

  void tag(std::uint64_t tag) { is_time_ = tag == time_tag; }

  /// Of an indefinite length.
  void break_off() {
    if (open_.empty() || open_.back().left != no_end || open_.back().key) return fail();
    end();
  }

  void fail() { failed_ = true; }

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] Document take() { return std::move(document_); }

 private:
  struct Open {
    Value value;
    std::size_t left = 0;  ///< items or members
    bool is_string = false;
    std::string joined{};                   ///< of a string in pieces
    std::optional<std::string_view> key{};  ///< of the member to come
  };

  void end() {
    Open ended = std::move(open_.back());
    open_.pop_back();
    if (ended.is_string) {
      const std::size_t size = ended.joined.size();
      char* const joined = static_cast<char*>(document_.decoded->allocate(size, 1));
      ended.joined.copy(joined, size);
      ended.value.text = {joined, size};
    }
    add(std::move(ended.value));
  }

  void add(Value value) {
    if (++values_ > most_values) return fail();
    if (open_.empty()) {
      document_.root = std::move(value);
      done_ = true;
      return;
    }
    Open& into = open_.back();
    if (into.is_string) return fail();
    if (into.value.kind == Value::Kind::structure && !into.key) {
      if (value.kind != Value::Kind::text) return fail();
      into.key = value.text;
      return;
    }
    if (into.value.kind == Value::Kind::list) {
      into.value.items.push_back(std::move(value));
    } else {
      into.value.members.emplace_back(*std::exchange(into.key, std::nullopt), std::move(value));
    }
    if (into.left != no_end && --into.left == 0) end();
  }

  Document document_;
  std::vector<Open> open_;
  std::size_t values_ = 0;
  bool is_time_ = false;  ///< the next number is a time
  bool failed_ = false;
  bool done_ = false;
};

Builder& builder(void* context) {
  return *static_cast<Builder*>(context);
}

template <typename Number>
void whole(void* context, Number number) {
  builder(context).scalar(Value::Kind::number, static_cast<double>(number));
}

/// The decoder gives -1 - number.
template <typename Number>
void negative(void* context, Number number) {
  builder(context).scalar(Value::Kind::number, -1 - static_cast<double>(number));
}

template <Value::Kind kind>
void string(void* context, cbor_data bytes, std::size_t size) {
  builder(context).text(kind, {reinterpret_cast<const char*>(bytes), size});
}

template <Value::Kind kind>
void begin(void* context, std::size_t size) {
  builder(context).begin(kind, size);
}

template <Value::Kind kind>
void begin_without_size(void* context) {
  builder(context).begin(kind, no_end);
}

constexpr cbor_callbacks callbacks() {
  using Kind = Value::Kind;
  cbor_callbacks all{};
  all.uint8 = &whole<std::uint8_t>;
  all.uint16 = &whole<std::uint16_t>;
  all.uint32 = &whole<std::uint32_t>;
  all.uint64 = &whole<std::uint64_t>;
  all.negint8 = &negative<std::uint8_t>;
  all.negint16 = &negative<std::uint16_t>;
  all.negint32 = &negative<std::uint32_t>;
  all.negint64 = &negative<std::uint64_t>;
  all.byte_string_start = &begin_without_size<Kind::bytes>;
  all.byte_string = &string<Kind::bytes>;
  all.string = &string<Kind::text>;
  all.string_start = &begin_without_size<Kind::text>;
  all.indef_array_start = &begin_without_size<Kind::list>;
  all.array_start = &begin<Kind::list>;
  all.indef_map_start = &begin_without_size<Kind::structure>;
  all.map_start = &begin<Kind::structure>;
  all.tag = [](void* context, std::uint64_t tag) { builder(context).tag(tag); };
  all.float2 = [](void* context, float number) { builder(context).real(static_cast<double>(number)); };
  all.float4 = all.float2;
  all.float8 = [](void* context, double number) { builder(context).real(number); };
  all.undefined = [](void* context) { builder(context).scalar(Kind::null); };
  all.null = all.undefined;
  all.boolean = [](void* context, bool value) { builder(context).scalar(Kind::boolean, 0, value); };
  all.indef_break = [](void* context) { builder(context).break_off(); };
  return all;
}

}  // namespace

std::optional<Document> read_cbor(std::string_view bytes) {
  static constexpr cbor_callbacks all = callbacks();
  Builder built;
  while (!built.done()) {
    const cbor_decoder_result result =
        cbor_stream_decode(reinterpret_cast<cbor_data>(bytes.data()), bytes.size(), &all, &built);
    if (result.status != CBOR_DECODER_FINISHED || built.failed()) return std::nullopt;
    bytes.remove_prefix(result.read);
  }
  return bytes.empty() ? std::optional(built.take()) : std::nullopt;
}

}  // namespace shardlog::serve::wire
