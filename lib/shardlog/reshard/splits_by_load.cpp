#include "shardlog/reshard/splits_by_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace shardlog::reshard {

namespace {

constexpr double outstanding = 1.5;           // times the mean
constexpr double worth_balancing = 0.5;       // of the capacity
constexpr double most_kept = 0.9;             // by one child of a split
constexpr std::size_t telling_samples = 100;  // fewer say too little about where to split once more

using Figure = double Load::*;

Load operator-(const Load& one, const Load& other) {
  return {std::max(0.0, one.records - other.records), std::max(0.0, one.bytes - other.bytes)};
}

Load operator*(const Load& load, const Load& share) {
  return {load.records * share.records, load.bytes * share.bytes};
}

Load operator/(const Load& load, const Load& whole) {
  return {load.records / whole.records, load.bytes / whole.bytes};
}

constexpr Load both(double share) {
  return {share, share};
}

Load load_of(const KeySample& sample) {
  return {1, static_cast<double>(std::max<std::uint64_t>(sample.bytes, 1))};
}

Load total(const std::vector<KeySample>& samples) {
  return std::accumulate(samples.begin(), samples.end(), Load{},
                         [](const Load& sum, const KeySample& sample) { return sum + load_of(sample); });
}

/// Where a shard is split, and how much of its load with keys goes to the left of that.
struct Cut {
  HashKey at;
  Load left;

  [[nodiscard]] Load right() const { return both(1) - left; }
  [[nodiscard]] double heavier(Figure figure) const { return std::max(left.*figure, right().*figure); }
};

Cut middle_of(const HashRange& range) {
  return {HashKey(range.first.value() + (range.last.value() - range.first.value()) / 2 + 1), both(0.5)};
}

/// Where the halves are as equal as can be. Nothing if there is only one key. REQUIRES: sorted by their hash keys
std::optional<Cut> halve(const std::vector<KeySample>& samples, Figure figure) {
  const Load all = total(samples);
  std::optional<Cut> best;
  Load left;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    left = left + load_of(samples[i - 1]);
    if (samples[i].hash == samples[i - 1].hash) continue;
    const Cut cut{*samples[i].hash, left / all};
    if (!best || cut.heavier(figure) < best->heavier(figure)) best = cut;
  }
  return best;
}

struct KeyShare {
  std::string key;
  double share = 0;
};

/// REQUIRES: sorted by their hash keys
KeyShare heaviest_key(const std::vector<KeySample>& samples, Figure figure) {
  KeyShare heaviest;
  KeyShare same;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (i == 0 || samples[i].hash != samples[i - 1].hash) same = {samples[i].key};
    same.share += load_of(samples[i]).*figure;
    if (same.share > heaviest.share) heaviest = same;
  }
  heaviest.share /= total(samples).*figure;
  return heaviest;
}

/// An open shard after the steps that have been planned so far.
struct Part {
  ShardId id;
  HashRange range;
  Load keyed;                        ///< its load of records with keys
  std::vector<KeySample> samples{};  ///< of those, by their hash keys
  bool sampled = false;
  bool planned = false;      ///< the plan makes this shard: it does not exist yet
  bool indivisible = false;  ///< as far as this plan goes
};

class Splitter {
 public:
  Splitter(const Situation& situation, const ScalingOptions& options)
      : situation_(situation), options_(options), next_id_(next_shard_id(situation.map)) {
    for (const ShardId id : situation.map.open_shards()) {
      parts_.push_back({id, situation.map.at(id).range, carried_for_long(situation.measured.at(id))});
    }
    shards_before_ = parts_.size();
  }

  Splits plan() {
    const Part& first = *busiest_part();
    splits_.reason = fmt::format("{} carries {:.0f} % of its capacity, and no shard carries more", first.id.to_string(),
                                 100 * carries(first));
    const std::size_t most = std::min<std::size_t>(2 * shards_before_, options_.most);
    while (Part* const busiest = busiest_part()) {
      const std::string reason = why(*busiest);
      if (reason.empty()) break;
      if (parts_.size() >= most) {
        if (splits_.plan.empty()) splits_.reason = fmt::format("{}, but there are {} shards", reason, parts_.size());
        break;
      }
      if (!busiest->sampled) {
        sample(*busiest);  // then find the busiest again: it may be another shard now
      } else if (const auto cut = cut_of(*busiest)) {
        if (splits_.plan.empty()) splits_.reason = reason;
        split(*busiest, *cut);
      }
    }
    return std::move(splits_);
  }

 private:
  [[nodiscard]] Load carried_for_long(const Measured& measured) const {
    return *std::min_element(measured.minutes.end() - measured_minutes, measured.minutes.end(),
                             [this](const Load& a, const Load& b) {
                               return utilisation(a, options_.capacity) < utilisation(b, options_.capacity);
                             });
  }

  /// The load of a part with its share of the records without keys. The share is smaller if there are more shards.
  [[nodiscard]] Load load_of(const Part& part) const {
    return part.keyed + keyless_ * both(static_cast<double>(shards_before_) / static_cast<double>(parts_.size()));
  }

  [[nodiscard]] double carries(const Part& part) const { return utilisation(load_of(part), options_.capacity); }

  [[nodiscard]] double mean() const {
    return std::accumulate(parts_.begin(), parts_.end(), 0.0,
                           [this](double sum, const Part& part) { return sum + carries(part); }) /
           static_cast<double>(parts_.size());
  }

  Part* busiest_part() {
    Part* busiest = nullptr;
    for (Part& part : parts_) {
      if (!part.indivisible && (busiest == nullptr || carries(part) > carries(*busiest))) busiest = &part;
    }
    return busiest;
  }

  /// Why it has to be split; empty if it does not.
  [[nodiscard]] std::string why(const Part& part) const {
    const double carried = carries(part);
    if (carried > options_.target) {
      return fmt::format(
          "{} carried {:.0f} % of its capacity or more in each of the last {} minutes, over the target of {:.0f} %",
          part.id.to_string(), 100 * carried, measured_minutes, 100 * options_.target);
    }
    if (carried > worth_balancing && carried > outstanding * mean()) {
      return fmt::format("{} carries {:.1f} times the mean of the shards, and {:.0f} % of its capacity",
                         part.id.to_string(), carried / mean(), 100 * carried);
    }
    if (parts_.size() < options_.least) return fmt::format("there are fewer than {} shards", options_.least);
    return {};
  }

  void sample(Part& part) {
    part.sampled = true;
    std::vector<KeySample> samples = situation_.sample(part.id);
    const Load all = total(samples);
    std::erase_if(samples, [&](const KeySample& each) { return !each.hash || !part.range.contains(*each.hash); });
    std::sort(samples.begin(), samples.end(), [](const KeySample& a, const KeySample& b) { return a.hash < b.hash; });
    part.samples = std::move(samples);
    if (keyless_known_ || all.records == 0) return;
    // Each shard is dealt as many records without keys as any other, so one shows what all of them have.
    keyless_known_ = true;
    keyless_ = part.keyed * (both(1) - total(part.samples) / all);
    for (Part& each : parts_) each.keyed = each.keyed - keyless_;
  }

  /// Where to split the part. Returns nothing and leaves the part indivisible if a split would not help, or if the
  /// samples do not show where to split.
  std::optional<Cut> cut_of(Part& part) {
    part.indivisible = true;  // a split replaces it by new parts
    if (part.range.first == part.range.last) return std::nullopt;
    if (part.samples.empty()) return middle_of(part.range);
    if (part.planned && part.samples.size() < telling_samples) return std::nullopt;
    const bool mostly_keyless = utilisation(part.keyed, options_.capacity) < carries(part) / 2;
    const Figure figure = dearer_figure(part);
    const std::optional<Cut> cut = halve(part.samples, figure);
    if (cut && (mostly_keyless || cut->heavier(figure) <= most_kept)) return cut;
    if (mostly_keyless) return middle_of(part.range);
    const KeyShare hot = heaviest_key(part.samples, figure);
    splits_.hot_keys.push_back({part.id, hot.key, hot.share * part.keyed.*figure / load_of(part).*figure});
    return std::nullopt;
  }

  [[nodiscard]] Figure dearer_figure(const Part& part) const {
    const Load load = load_of(part);
    return utilisation({0, load.bytes}, options_.capacity) > utilisation({load.records, 0}, options_.capacity)
               ? &Load::bytes
               : &Load::records;
  }

  void split(Part& part, const Cut& cut) {
    const auto right_samples = std::find_if(part.samples.begin(), part.samples.end(),
                                            [&](const KeySample& sample) { return *sample.hash >= cut.at; });
    Part left{take_id(), {part.range.first, HashKey(cut.at.value() - 1)}, part.keyed * cut.left};
    Part right{take_id(), {cut.at, part.range.last}, part.keyed * cut.right()};
    left.samples.assign(part.samples.begin(), right_samples);
    right.samples.assign(right_samples, part.samples.end());
    for (Part* const child : {&left, &right}) child->sampled = child->planned = true;
    splits_.plan.push_back(
        {{{part.id}, {{left.id, left.range, part.id}, {right.id, right.range, part.id}}}, load_of(part)});
    part = std::move(left);
    parts_.push_back(std::move(right));
  }

  ShardId take_id() { return std::exchange(next_id_, ShardId(next_id_.number() + 1)); }

  const Situation& situation_;
  const ScalingOptions& options_;
  ShardId next_id_;
  std::vector<Part> parts_;
  std::size_t shards_before_ = 0;
  Load keyless_{};  ///< of each shard, before the plan
  bool keyless_known_ = false;
  Splits splits_;
};

}  // namespace

Splits splits_by_load(const Situation& situation, const ScalingOptions& options) {
  return Splitter(situation, options).plan();
}

}  // namespace shardlog::reshard
