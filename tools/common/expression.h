#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace shardlog::cli {

/// A Perl-compatible regular expression. For one thread at a time.
class Expression {
 public:
  /// `text` is the value of `option`, which messages name. Throws usage if `text` is not an expression.
  Expression(std::string option, const std::string& text);

  /// What group 1 matches (empty if the group took no part), or the whole match if there is no group; nullopt if the
  /// expression does not match. Throws malformed if the search takes too long.
  std::optional<std::string_view> match(std::string_view text);

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
    void operator()(pcre2_real_match_data_8* match) const;
  };

  std::string option_;
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  std::unique_ptr<pcre2_real_match_data_8, Free> match_;
};

}  // namespace shardlog::cli
