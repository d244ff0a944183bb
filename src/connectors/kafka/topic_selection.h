// Which topics a table reads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "slipstream/options.h"
#include "slipstream/status.h"

#include "data/text/pattern.h"

namespace slipstream::kafka_connector {

// Those of a list, or all whose names match a pattern, now or later.
//
// Owner:   the settings of a source; copies share the compiled pattern.
// Thread:  any.
// Failure: kInvalidArgument and kUnsupported name the option and the cause.
class TopicSelection {
 public:
  static Result<TopicSelection> read(const Options& options);

  bool is_pattern() const { return pattern_ != nullptr; }
  const std::vector<std::string>& names() const { return names_; }  // empty with a pattern
  // A pattern is compared with the whole name, and never with topics of Kafka itself ("__...").
  // Failure: kUnsupported when the pattern needs too much for this name.
  Result<bool> selects(std::string_view topic) const;
  // For people and to compare: "a;b", or "topics like 'orders_.*'".
  const std::string& text() const { return text_; }

 private:
  std::vector<std::string> names_;
  std::shared_ptr<const text::Pattern> pattern_;
  std::string text_;
};

// Names of a list 'a;b'. kInvalidArgument: one that Kafka does not allow, or one twice.
Result<std::vector<std::string>> read_topic_list(std::string_view text);

}  // namespace slipstream::kafka_connector
