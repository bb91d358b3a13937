#include "tools/stream-stats/prometheus.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "shardlog/core/printable.h"
#include "shardlog/core/utf8.h"
#include "tools/stream-stats/named_figures.h"

namespace shardlog::cli {

namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

/// Prometheus escapes only these three. It takes only UTF-8: a file with anything else in it is dropped as a whole.
std::string escaped(const std::string& value) {
  std::string text;
  for (const char c : utf8_length(value) ? value : printable(value)) {
    if (c == '\\' || c == '"') text += '\\';
    text += c == '\n' ? "\\n" : std::string(1, c);
  }
  return text;
}

/// The samples of one metric, which stand together under its help and type.
struct Family {
  std::string name;
  std::string_view type;
  std::string help;
  std::string samples{};
};

/// Families in the order in which they first get a sample.
class Exposition {
 public:
  void add(const Family& family, const Labels& labels, double value) {
    std::string text;
    for (const auto& [name, each] : labels) {
      text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(each));
    }
    of(family).samples += fmt::format("{}{{{}}} {}\n", family.name, text, value);
  }

  [[nodiscard]] std::string text() const {
    std::string text;
    for (const Family& each : families_) {
      text += fmt::format("# HELP {} {}\n# TYPE {} {}\n{}", each.name, each.help, each.name, each.type, each.samples);
    }
    return text;
  }

 private:
  Family& of(const Family& family) {
    for (Family& each : families_) {
      if (each.name == family.name) return each;
    }
    return families_.emplace_back(family);
  }

  std::vector<Family> families_;
};

/// Which quantile of a summary a figure is, by the end of its name.
struct Quantile {
  std::string_view end;
  std::string_view label;
};
constexpr std::array<Quantile, 3> quantiles{{{"_p50", "0.5"}, {"_p99", "0.99"}, {"_max", "1"}}};

std::string_view ending_of(const NamedFigure& figure) {
  switch (figure.unit) {
    case Unit::records_a_second:
    case Unit::calls_a_second:
    case Unit::bytes_a_second:
      return "_per_second";
    case Unit::duration:
      return "_seconds";
    case Unit::percent:
      return "_ratio";
    default:
      return "";
  }
}

void add(Exposition& to, const std::string& prefix, const NamedFigure& figure, Labels labels) {
  constexpr double hundred = 100;
  if (!figure.value) return;
  const double value = figure.unit == Unit::percent ? *figure.value / hundred : *figure.value;
  for (const Quantile& quantile : quantiles) {
    if (!figure.name.ends_with(quantile.end)) continue;
    const std::string name = figure.name.substr(0, figure.name.size() - quantile.end.size());
    labels.emplace_back("quantile", quantile.label);
    to.add({prefix + name + "_seconds", "summary", fmt::format("{}, in the last minute.", figure.meaning)}, labels,
           value);
    return;
  }
  const std::string_view when = ending_of(figure) == "_per_second" ? ", a second in the last minute" : "";
  to.add({prefix + figure.name + std::string(ending_of(figure)), "gauge", fmt::format("{}{}.", figure.meaning, when)},
         labels, value);
}

void add_counters(Exposition& to, const Figures& figures) {
  for (const ShardStatistics& shard : figures.statistics.shards) {
    if (!shard.intake) continue;
    const Labels labels{{"stream", figures.name}, {"shard", shard.shard.id.to_string()}};
    const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
      to.add({name, "counter", help}, labels, static_cast<double>(value));
    };
    counter("shardlog_incoming_records_total", "records that a shard ever stored.", shard.intake->records);
    counter("shardlog_incoming_bytes_total", "data and keys that a shard ever stored.", shard.intake->bytes);
    counter("shardlog_incoming_appends_total", "commits that ever stored records in a shard.", shard.intake->appends);
  }
}

}  // namespace

std::string format_prometheus(const std::vector<Figures>& streams) {
  Exposition exposition;
  for (const Figures& stream : streams) {
    for (const NamedFigure& each : named_figures(stream)) add(exposition, "shardlog_", each, {{"stream", stream.name}});
    add_counters(exposition, stream);
    for (const ConsumerFigures& consumer : stream.consumers) {
      const Labels labels{{"stream", stream.name}, {"consumer", consumer.statistics.consumer.name}};
      for (const NamedFigure& each : named_figures(consumer)) add(exposition, "shardlog_consumer_", each, labels);
    }
  }
  return exposition.text();
}

}  // namespace shardlog::cli
