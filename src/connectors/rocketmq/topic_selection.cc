#include "connectors/rocketmq/topic_selection.h"

#include <algorithm>

#include "base/try.h"
#include "connectors/rocketmq/settings.h"
#include "connectors/rocketmq/table_options.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {

Result<TopicSelection> TopicSelection::read(const Options& options, const std::string& name_space) {
  TopicSelection made;
  made.name_space_ = name_space;
  for (const std::string& name : rocketmq::parse_topic_list(options[option::kTopic])) {
    std::string topic = with_namespace(name_space, name);
    TRY(rocketmq::validate_topic(topic).with_context("option 'topic'"));
    if (std::find(made.names_.begin(), made.names_.end(), topic) != made.names_.end())
      return Error{ErrorCode::kInvalidArgument, "option 'topic' names '" + name + "' twice"};
    made.text_ += (made.text_.empty() ? "" : ";") + topic;
    made.names_.push_back(std::move(topic));
  }
  made.pattern_text_ = options[option::kTopicPattern];
  if (made.pattern_text_.empty()) {
    if (!made.names_.empty()) return made;
    return Error{ErrorCode::kInvalidArgument,
                 "missing option 'topic': what to read, 'orders' or several, 'orders;returns'; or "
                 "'topic-pattern', what their names are like"};
  }
  if (!made.names_.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "options 'topic' and 'topic-pattern' exclude each other"};
  }
  const auto pattern =
      std::make_shared<const text::Pattern>(text::PatternKind::kJava, made.pattern_text_, "");
  if (pattern->fault()) return pattern->fault()->with_context("option 'topic-pattern'");
  made.pattern_ = pattern;
  made.text_ = "topics like '" + made.pattern_text_ + "'";
  return made;
}

Result<bool> TopicSelection::selects(std::string_view topic) const {
  if (!is_pattern()) return std::find(names_.begin(), names_.end(), topic) != names_.end();
  if (rocketmq::is_system_topic(topic) || topic.starts_with("%RETRY%") ||
      topic.starts_with("%DLQ%"))
    return false;
  const std::string_view name = without_namespace(name_space_, topic);
  if (!name_space_.empty() && name == topic) return false;
  const auto outcome = pattern_->match_whole(name);
  if (outcome == text::Pattern::Outcome::kGivenUp) {
    return Error{ErrorCode::kUnsupported, "option 'topic-pattern': topic '" + std::string(name) +
                                              "': " + pattern_->given_up()};
  }
  return outcome == text::Pattern::Outcome::kMatch;
}

std::string TopicSelection::explain() const {
  return is_pattern() ? "topic-pattern=" + pattern_text_ : "topic=" + text_;
}

}  // namespace slipstream::rocketmq_connector
