#include "shardlog/nats/slot_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "shardlog/core/error.h"
#include "shardlog/core/numbers.h"
#include "shardlog/nats/batch_message.h"

namespace shardlog::nats {

namespace {

constexpr Duration kept_for = std::chrono::minutes(10);

std::size_t tokens_of(std::string_view subject) {
  return 1 + static_cast<std::size_t>(std::ranges::count(subject, '.'));
}

/// A subject of slots without its last token, and that as a number; nullopt if it is that of a body.
std::optional<std::pair<std::string, std::uint64_t>> parse_slot_subject(std::string_view subject) {
  constexpr std::size_t tokens_of_a_slot = 6;  // slp.NAME.U.<producer>.<source>.<n>
  if (tokens_of(subject) != tokens_of_a_slot) return std::nullopt;
  const std::size_t dot = subject.rfind('.');
  const auto number = parse_number<std::uint64_t>(subject.substr(dot + 1));
  return number ? std::optional(std::pair(std::string(subject.substr(0, dot)), *number)) : std::nullopt;
}

/// Whether the refusal says that there is a message on the subject.
bool is_taken(const Refusal& refusal) {
  return refusal.code == refusal::store_failed &&
         refusal.text.find("maximum messages per subject exceeded") != std::string::npos;
}

/// The result; throws what a refusal means.
template <typename Result>
Result result_of(const std::string& what, Answer<Result> answer) {
  if (const auto* const refusal = std::get_if<Refusal>(&answer)) throw error_of(what, *refusal);
  return std::get<Result>(std::move(answer));
}

/// The same; nullopt if there is no such message.
std::optional<KeptMessage> message_of(const std::string& what, Answer<KeptMessage> answer) {
  const auto* const refusal = std::get_if<Refusal>(&answer);
  if (refusal != nullptr && refusal->code == refusal::no_message) return std::nullopt;
  return result_of(what, std::move(answer));
}

}  // namespace

std::string SlotStore::subject_of(const Slot& slot) const {
  return session_.names().slot(slot.id.name, slot.id.source, slot.number);
}

std::string SlotStore::body_subject(const Slot& slot) const {
  return subject_of(slot) + "." + slot.token;
}

std::string SlotStore::what(const ProducerId& id, std::string_view doing) const {
  return session_.what(fmt::format("producer {}: {}", quote(id.name), doing));
}

/// How many messages each subject has.
std::map<std::string, std::uint64_t> SlotStore::subjects(const std::string& filter, const Patience& patience) {
  const std::string doing = session_.what("look at its producers");
  Patience left = patience;
  auto answer = left.insist(
      doing, [&](Duration wait) { return session_.js().info(session_.names().producer_stream(), wait, filter); });
  return result_of(doing, std::move(answer)).subjects;
}

std::map<std::string, std::uint64_t> SlotStore::newest_numbers(const std::string& filter, const Patience& patience) {
  std::map<std::string, std::uint64_t> newest;
  for (const auto& [subject, count] : subjects(filter, patience)) {
    const auto slot = parse_slot_subject(subject);
    if (!slot) continue;
    std::uint64_t& number = newest[slot->first];
    number = std::max(number, slot->second);
  }
  return newest;
}

std::optional<KeptSlot> SlotStore::slot_on(const std::string& subject, const Patience& patience) {
  const std::string doing = session_.what("read a producer's slot");
  Patience left = patience;
  const auto message = message_of(doing, left.insist(doing, [&](Duration wait) {
    return session_.js().last_on(session_.names().producer_stream(), subject, wait);
  }));
  if (!message) return std::nullopt;
  KeptSlot kept{decode_slot(message->data), message->sequence, message->time};
  if (subject_of(kept.slot) != subject) {
    throw Error(ErrorCode::corrupt, doing + ": what it says is not for " + quote(subject));
  }
  return kept;
}

std::vector<KeptSlot> SlotStore::newest_on(const std::string& filter, const Patience& patience) {
  std::vector<KeptSlot> result;
  for (const auto& [source, number] : newest_numbers(filter, patience)) {
    const auto known = read_.find(source);
    if (known != read_.end() && known->second.slot.number == number) {
      result.push_back(known->second);
      continue;
    }
    auto kept = slot_on(fmt::format("{}.{}", source, number), patience);
    if (!kept) continue;  // two others followed it just now
    read_.insert_or_assign(source, *kept);
    result.push_back(std::move(*kept));
  }
  std::ranges::sort(result, {}, [](const KeptSlot& kept) { return kept.slot.id; });
  return result;
}

std::optional<KeptSlot> SlotStore::newest(const ProducerId& id, const Patience& patience) {
  auto all = newest_on(session_.names().slots(id.name, id.source), patience);
  if (all.empty()) return std::nullopt;
  if (all.front().slot.id != id) {
    throw Error(ErrorCode::usage, what(id, "its hash is that of another one: choose another name"));
  }
  return std::move(all.front());
}

std::vector<KeptSlot> SlotStore::newest_of(const std::string& name, const Patience& patience) {
  auto all = newest_on(session_.names().slots(name), patience);
  std::erase_if(all, [&](const KeptSlot& kept) { return kept.slot.id.name != name; });
  return all;
}

std::vector<KeptSlot> SlotStore::newest_of_all(const Patience& patience) {
  return newest_on(session_.names().producer_subjects(), patience);
}

std::uint64_t SlotStore::put_body(const Slot& slot, std::span<const RoutedBatch> parts, const Patience& patience) {
  const std::string doing = what(slot.id, "keep its batches");
  const std::string body = encode_body(parts);
  const std::string subject = body_subject(slot);
  Patience left = patience;
  try {
    for (;;) {
      const auto answer = left.insist(doing, [&](Duration /*wait*/) {
        return session_.js().publish(subject, {{id_header, slot.token + "/body"}}, body,
                                     JetStream::wait_for(body.size()));
      });
      if (const auto* const published = std::get_if<Published>(&answer)) return published->sequence;
      if (const auto& refusal = std::get<Refusal>(answer); is_taken(refusal)) {  // by an earlier try
        const auto message = message_of(doing, left.insist(doing, [&](Duration wait) {
          return session_.js().last_on(session_.names().producer_stream(), subject, wait);
        }));
        if (message) return message->sequence;
      } else {
        throw error_of(doing, refusal);
      }
      left.again(doing, false);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::io) throw;
    throw Error(ErrorCode::busy, doing + ": no answer in time: nothing was stored");
  }
}

std::optional<std::uint64_t> SlotStore::claim(const Slot& slot, const Patience& patience) {
  const std::string doing = what(slot.id, "move it");
  const std::string subject = subject_of(slot);
  Patience left = patience;
  bool may_be_claimed = false;
  const auto ask = [&](Duration wait) {
    auto answer = session_.js().publish(subject, {{id_header, slot.token}}, encode(slot), wait);
    may_be_claimed = may_be_claimed || std::holds_alternative<NoAnswer>(answer);
    return answer;
  };
  for (;;) {
    const auto answer = left.insist(doing, ask);
    if (const auto* const published = std::get_if<Published>(&answer)) return published->sequence;
    if (const auto& refusal = std::get<Refusal>(answer); is_taken(refusal)) {
      const auto found = slot_on(subject, left);
      if (found && found->slot.token == slot.token) return found->sequence;  // an answer got lost
      if (found) return std::nullopt;
      // It was removed meanwhile, so it is not the newest. If this takes it now, is_newest() says so.
    } else {
      const Error error = error_of(doing, refusal);
      throw may_be_claimed ? Error(ErrorCode::io, error.what()) : error;
    }
    left.again(doing, true);
  }
}

bool SlotStore::is_newest(const Slot& claimed, const std::optional<KeptSlot>& before, const Patience& patience) {
  const std::string doing = what(claimed.id, "look whether it is where it was");
  const std::string filter = session_.names().slots(claimed.id.name, claimed.id.source);
  Patience left = patience;
  for (;;) {
    if (before) {
      // By its subject, because a leader that was suspended may have told another sequence.
      const auto there = slot_on(subject_of(before->slot), left);
      if (there && there->slot.token == before->slot.token) return true;
    }
    for (const auto& [source, number] : newest_numbers(filter, left)) {
      if (number > claimed.number) return false;
      if (number == claimed.number && !before) return true;
    }
    left.again(doing, true);  // a server that does not know of it yet, or was suspended
  }
}

std::optional<std::vector<RoutedBatch>> SlotStore::body_of(const Slot& slot, const Patience& patience) {
  if (!slot.body) return std::nullopt;
  const std::string doing = what(slot.id, "read its last batches");
  Patience left = patience;
  const auto message = message_of(doing, left.insist(doing, [&](Duration wait) {
    return session_.js().get(session_.names().producer_stream(), *slot.body, wait);
  }));
  return message ? std::optional(decode_body(message->data)) : std::nullopt;
}

bool SlotStore::has_body(const Slot& slot, const Patience& patience) {
  return slot.body && !subjects(body_subject(slot), patience).empty();
}

void SlotStore::remove(std::uint64_t sequence) {
  session_.js().connection().publish("$JS.API.STREAM.MSG.DELETE." + session_.names().producer_stream(), "", {},
                                     fmt::format(R"({{"seq":{},"no_erase":true}})", sequence));
}

void SlotStore::trim(const ProducerId& id, std::uint64_t sequence) {
  constexpr Duration wait = std::chrono::seconds(1);
  std::string filter = session_.names().slots(id.name, id.source);
  filter.back() = '>';  // bodies too
  session_.js().purge(session_.names().producer_stream(), filter, sequence, wait);
}

void SlotStore::trim_old(const ProducerId& id, const KeptSlot& newest, const Patience& patience) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [subject, count] : subjects(session_.names().slots(id.name, id.source), patience)) {
    if (const auto slot = parse_slot_subject(subject)) numbers.push_back(slot->second);
  }
  std::ranges::sort(numbers);
  constexpr std::size_t always_kept = 2;
  if (numbers.size() <= always_kept) return;
  const std::span<const std::uint64_t> may_go(numbers.data(), numbers.size() - always_kept);
  const auto is_old = [&](std::uint64_t number) {
    const auto kept = slot_on(session_.names().slot(id.name, id.source, number), patience);
    return !kept || kept->at < newest.at - kept_for;
  };
  const auto old = static_cast<std::size_t>(std::ranges::partition_point(may_go, is_old) - may_go.begin());
  if (old == 0) return;
  const auto first_kept = slot_on(session_.names().slot(id.name, id.source, numbers[old]), patience);
  if (first_kept) trim(id, first_kept->sequence);
}

}  // namespace shardlog::nats
