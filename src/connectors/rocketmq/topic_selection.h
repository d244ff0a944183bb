// Which topics a table reads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/options.h"
#include "slipstream/status.h"

#include "data/text/pattern.h"

namespace slipstream::rocketmq_connector {

// Those of a list, or all whose names match a pattern, now or later.
//
// Owner:   the settings of a source; copies share the compiled pattern.
// Thread:  any.
// Failure: kInvalidArgument and kUnsupported name the option and the cause.
class TopicSelection {
 public:
  TopicSelection() = default;
  static Result<TopicSelection> read(const Options& options, const std::string& name_space);

  bool is_pattern() const { return pattern_ != nullptr; }
  bool several() const { return is_pattern() || names_.size() > 1; }
  // As brokers know them, each once; empty with a pattern.
  const std::vector<std::string>& names() const { return names_; }
  // Topic of a recorded message that does not name its own: the first of the list, or the pattern.
  const std::string& first() const { return names_.empty() ? pattern_text_ : names_.front(); }
  // `topic`: as brokers know it. A pattern is compared with the whole of what the table calls it,
  // and never with topics of RocketMQ itself, retry topics and dead-letter topics.
  // Failure: kUnsupported when the pattern needs too much for this name.
  Result<bool> selects(std::string_view topic) const;
  // For people and to compare: "a;b", or "topics like 'orders_.*'".
  const std::string& text() const { return text_; }
  std::string explain() const;  // "topic=a;b", "topic-pattern=orders_.*"

 private:
  std::vector<std::string> names_;
  std::shared_ptr<const text::Pattern> pattern_;
  std::string pattern_text_;
  std::string name_space_;
  std::string text_;
};

}  // namespace slipstream::rocketmq_connector
