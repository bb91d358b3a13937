#include "shardlog/nats/library.h"

#include <fmt/format.h>

#include "shardlog/core/error.h"

namespace shardlog::nats {

void start_library() {
  struct sigaction before {};
  ::sigaction(SIGPIPE, nullptr, &before);
  nats_Open(-1);
  ::sigaction(SIGPIPE, &before, nullptr);
}

OwnedMessage make_message(const std::string& subject, const std::string& reply, const Headers& headers,
                          std::string_view data) {
  natsMsg* made = nullptr;
  expect(natsMsg_Create(&made, subject.c_str(), reply.empty() ? nullptr : reply.c_str(), data.data(),
                        static_cast<int>(data.size())),
         "message");
  OwnedMessage message(made);
  for (const auto& [name, value] : headers) {
    expect(natsMsgHeader_Set(made, name.c_str(), value.c_str()), "header of a message");
  }
  return message;
}

std::string reason_of(natsStatus status) {
  const std::string_view general = natsStatus_GetText(status);
  const char* const last = nats_GetLastError(nullptr);
  std::string_view text = last == nullptr ? std::string_view() : last;
  // It begins with the place in the library's code: "(conn.c:12): text".
  constexpr std::string_view end_of_place = "): ";
  if (text.starts_with('(') && text.find(end_of_place) != std::string_view::npos) {
    text.remove_prefix(text.find(end_of_place) + end_of_place.size());
  }
  return printable(text.empty() || text == general ? std::string(general) : fmt::format("{}: {}", general, text));
}

void expect(natsStatus status, const char* what) {
  if (status == NATS_OK) return;
  const ErrorCode code = status == NATS_NO_MEMORY ? ErrorCode::busy : ErrorCode::usage;
  throw Error(code, fmt::format("nats: {}: {}", what, reason_of(status)));
}

}  // namespace shardlog::nats
