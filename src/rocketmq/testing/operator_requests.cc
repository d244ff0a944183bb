#include "rocketmq/testing/operator_requests.h"

#include <algorithm>

#include "base/bytes.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/message/record.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq::testing {
namespace {

std::string text(const FrameHeader& header, std::string_view field) {
  return std::string(header.ext.find(field).value_or(""));
}

bool has_key(const StoredRecord& record, const FrameHeader& query) {
  const std::string key = text(query, "key");
  if (text(query, "_UNIQUE_KEY_QUERY") == "true") return record.unique_key == key;
  const RecordView view = *decode_record(as_bytes(record.bytes));
  const auto keys = split_keys(find_property(view.properties, property::kKeys).value_or(""));
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

std::optional<Command> OperatorRequests::answer(const Question& question) {
  const auto code = static_cast<RequestCode>(question.header.code);
  if (const auto set = answers_.find(code); set != answers_.end()) {
    Command done = make_answer(question.header, 0);
    done.body = set->second.front();
    if (set->second.size() > 1) set->second.pop_front();
    return done;
  }
  switch (code) {
    case RequestCode::kTopicList:
      return topic_list(question);
    case RequestCode::kBrokerRuntime:
      return runtime(question);
    case RequestCode::kViewMessageById:
      return view_message(question);
    case RequestCode::kQueryMessage:
      return query_key(question);
    case RequestCode::kBrokerConfig:
      return config(question);
    case RequestCode::kUpdateBrokerConfig:
      return update_config(question);
    case RequestCode::kConsumerConnections:
      return make_answer(question.header, response_code::kConsumerNotOnline, "not online");
    default:
      return std::nullopt;
  }
}

Command OperatorRequests::topic_list(const Question& question) const {
  Command done = make_answer(question.header, 0);
  JsonWriter json(done.body);
  json.begin_object().key("topicList").begin_array();
  for (const auto& [topic, count] : store_.topics) json.string(topic);
  for (const char* hidden : {"TBW102", "ScriptedCluster", "%RETRY%g", "%DLQ%g"})
    json.string(hidden);
  json.end_array().end_object();
  return done;
}

Command OperatorRequests::runtime(const Question& question) const {
  Command done = make_answer(question.header, 0);
  done.body =
      R"({"table":{"brokerVersionDesc":"V5_5_0","bootTimestamp":"1700000000000","commitLogMaxOffset":")" +
      std::to_string(store_.log_end()) + R"(","dispatchBehindBytes":")" +
      std::to_string(store_.log_end() - store_.dispatched()) + R"("}})";
  return done;
}

Command OperatorRequests::view_message(const Question& question) const {
  const StoredRecord* stored = store_.at(question.header.ext.find_number("offset").value_or(-1));
  if (stored == nullptr) {
    return make_answer(question.header, response_code::kSystemError,
                       "can not find message by the offset, " + text(question.header, "offset"));
  }
  Command done = make_answer(question.header, 0);
  done.body = stored->bytes;
  return done;
}

Command OperatorRequests::query_key(const Question& question) const {
  Command done = make_answer(question.header, 0);
  for (const auto& [name, queue] : store_.queues) {
    if (name.topic != text(question.header, "topic") || name.broker != question.broker) continue;
    for (const StoredRecord& record : queue.records) {
      if (has_key(record, question.header)) done.body += record.bytes;
    }
  }
  if (done.body.empty()) done.header.code = response_code::kQueryNotFound;
  return done;
}

Command OperatorRequests::config(const Question& question) {
  std::map<std::string, std::string>& settings = configs_[question.broker];
  settings.insert({{"brokerName", question.broker},
                   {"flushDiskType", "ASYNC_FLUSH"},
                   {"fileReservedTime", "72"}});
  Command done = make_answer(question.header, 0);
  for (const auto& [name, value] : settings) done.body += name + "=" + value + "\n";
  return done;
}

// As Java reads a properties file; names that are not known change nothing.
Command OperatorRequests::update_config(const Question& question) {
  config(question);
  std::string_view rest = question.body;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t equals = line.find('=');
    const auto known = configs_[question.broker].find(std::string(line.substr(0, equals)));
    if (equals == std::string_view::npos || known == configs_[question.broker].end()) continue;
    known->second.clear();
    for (std::size_t at = equals + 1; at < line.size(); ++at) {
      if (line[at] == '\\') ++at;
      known->second += line[at];
    }
  }
  return make_answer(question.header, 0);
}

}  // namespace slipstream::rocketmq::testing
