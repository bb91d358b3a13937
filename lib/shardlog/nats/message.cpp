#include "shardlog/nats/message.h"

#include <nats/nats.h>

#include "shardlog/core/numbers.h"

namespace shardlog::nats {

namespace {

std::string_view view_of(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

}  // namespace

std::string_view Message::subject() const {
  return view_of(natsMsg_GetSubject(message_.get()));
}

std::string_view Message::reply() const {
  return view_of(natsMsg_GetReply(message_.get()));
}

std::string_view Message::data() const {
  const int size = natsMsg_GetDataLength(message_.get());
  return size == 0 ? std::string_view() : std::string_view(natsMsg_GetData(message_.get()), std::size_t(size));
}

std::optional<std::string_view> Message::header(const char* name) const {
  const char* value = nullptr;
  const bool is_there = natsMsgHeader_Get(message_.get(), name, &value) == NATS_OK && value != nullptr;
  return is_there ? std::optional<std::string_view>(value) : std::nullopt;
}

int Message::status() const {
  const auto status = data().empty() ? header("Status") : std::nullopt;
  return status ? parse_number<int>(*status).value_or(0) : 0;
}

void Message::Destroy::operator()(__natsMsg* message) const {
  natsMsg_Destroy(message);
}

}  // namespace shardlog::nats
