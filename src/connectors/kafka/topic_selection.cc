#include "connectors/kafka/topic_selection.h"

#include <algorithm>

#include "base/try.h"
#include "connectors/kafka/table_options.h"

namespace slipstream::kafka_connector {
namespace {

constexpr std::size_t kNameMax = 249;

bool may_be_a_name(std::string_view name) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kNameMax && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), fine);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Result<std::vector<std::string>> read_topic_list(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string name(trimmed(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (name.empty()) continue;
    if (!may_be_a_name(name)) {
      return Error{ErrorCode::kInvalidArgument,
                   "option 'topic': '" + name +
                       "' cannot be a topic of Kafka: up to 249 letters, digits, '.', '_' and '-'"};
    }
    if (std::find(names.begin(), names.end(), name) != names.end())
      return Error{ErrorCode::kInvalidArgument, "option 'topic' names '" + name + "' twice"};
    names.push_back(name);
  }
  return names;
}

Result<TopicSelection> TopicSelection::read(const Options& options) {
  TopicSelection made;
  TRY_ASSIGN(made.names_, read_topic_list(options[option::kTopic]));
  for (const std::string& name : made.names_) made.text_ += (made.text_.empty() ? "" : ";") + name;
  const std::string& pattern = options[option::kTopicPattern];
  if (pattern.empty()) {
    if (!made.names_.empty()) return made;
    return Error{ErrorCode::kInvalidArgument,
                 "missing option 'topic': what to read, 'orders' or several, 'orders;returns'; or "
                 "'topic-pattern', what their names are like"};
  }
  if (!made.names_.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "options 'topic' and 'topic-pattern' exclude each other"};
  }
  made.pattern_ = std::make_shared<const text::Pattern>(text::PatternKind::kJava, pattern, "");
  if (made.pattern_->fault()) return made.pattern_->fault()->with_context("option 'topic-pattern'");
  made.text_ = "topics like '" + pattern + "'";
  return made;
}

Result<bool> TopicSelection::selects(std::string_view topic) const {
  if (!is_pattern()) return std::find(names_.begin(), names_.end(), topic) != names_.end();
  if (topic.starts_with("__")) return false;
  const auto outcome = pattern_->match_whole(topic);
  if (outcome == text::Pattern::Outcome::kGivenUp) {
    return Error{ErrorCode::kUnsupported, "option 'topic-pattern': topic '" + std::string(topic) +
                                              "': " + pattern_->given_up()};
  }
  return outcome == text::Pattern::Outcome::kMatch;
}

}  // namespace slipstream::kafka_connector
