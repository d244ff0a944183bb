#include <algorithm>

#include "slipstream/connector/element_condition.h"

#include "base/try.h"
#include "connector_kit/predicates.h"
#include "connectors/rocketmq/enumerator.h"
#include "connectors/rocketmq/filter_expression.h"
#include "connectors/rocketmq/reader.h"
#include "connectors/rocketmq/recorded_source.h"
#include "connectors/rocketmq/settings.h"
#include "connectors/rocketmq/source_sink.h"
#include "connectors/rocketmq/table_options.h"

namespace slipstream::rocketmq_connector {
namespace {

std::string start_text(const SourceSettings& settings) {
  switch (settings.start) {
    case StartMode::kEarliest:
      return "earliest";
    case StartMode::kLatest:
      return "latest";
    case StartMode::kTimestamp:
      return "timestamp " + std::to_string(settings.start_ms);
    case StartMode::kSpecificOffsets:
      return "specific-offsets";
    case StartMode::kOneOffset:
      return "offset " + std::to_string(settings.start_offset);
    case StartMode::kGroupOffsets:
      break;
  }
  return std::string("group-offsets, else ") + (settings.reset_to_earliest ? "earliest" : "latest");
}

bool push_down(const SourceSettings& settings) {
  return settings.format.options[option::kFilterPushDown];
}

std::string bound_text(const SourceSettings& settings) {
  switch (settings.bound) {
    case BoundMode::kLatest:
      return "latest-offset";
    case BoundMode::kTimestamp:
      return "timestamp " + std::to_string(settings.bound_ms);
    case BoundMode::kSpecificOffsets:
      return "specific-offsets";
    case BoundMode::kUnbounded:
      break;
  }
  return {};
}

class QueueSource final : public Source, public NarrowedByElements {
 public:
  QueueSource(std::shared_ptr<RowPlan> plan, std::vector<std::size_t> accepted)
      : plan_(std::move(plan)), accepted_(std::move(accepted)) {}

  Schema schema() const override { return plan_->rows->schema; }
  bool bounded() const override { return recorded() || settings().bound != BoundMode::kUnbounded; }
  bool updating() const override { return settings().format.format->changelog; }
  std::vector<std::size_t> accepted_predicates() const override { return accepted_; }
  std::vector<std::string> endpoints() const override {
    if (recorded()) return {};
    const TopicSelection& topics = settings().topics;
    const std::string& name_servers = settings().client.name_servers;
    if (topics.is_pattern()) return endpoints_of(topics.text(), name_servers);
    std::vector<std::string> all;
    for (const std::string& topic : topics.names()) {
      for (std::string& each : topic_endpoints(name_servers, topic)) all.push_back(std::move(each));
    }
    return all;
  }

  std::vector<std::string> explain() const override {
    std::vector<std::string> lines{settings().topics.explain(), "group=" + settings().group,
                                   "format=" + settings().format.format->name};
    if (recorded()) {
      lines.push_back("recording=" + settings().recording);
    } else {
      lines.push_back("start=" + start_text(settings()));
      if (bounded()) lines.push_back("end=" + bound_text(settings()));
    }
    std::string tags;
    for (const std::string& tag : plan_->tags) tags += (tags.empty() ? "" : "||") + tag;
    if (!tags.empty()) lines.push_back("tag=" + tags);
    if (!settings().sql.empty()) lines.push_back("sql=" + settings().sql);
    if (!plan_->narrowing.empty()) lines.push_back("broker-filter=" + plan_->narrowing);
    return lines;
  }

  // Beside a filter of the user's own there is no room for another one, beside tags no need: brokers
  // compare them without reading the message. A message that is left out is never a dead letter.
  void narrow(const std::vector<ElementCondition>& conditions) override {
    const bool alone = !recorded() && settings().sql.empty() && plan_->tags.empty();
    if (alone && push_down(settings()) && settings().decode_errors != DecodeErrors::kDeadLetter)
      plan_->narrowing = filter_expression(conditions);
  }

  // As JSON, at least once.
  std::optional<DeadLetterTable> dead_letters() const override {
    if (settings().decode_errors != DecodeErrors::kDeadLetter) return std::nullopt;
    TableDefinition table;
    table.name = settings().table + " dead-letter topic";
    table.physical = Schema({{"body", Type::bytes()},
                             {"reason", Type::string()},
                             {"topic", Type::string()},
                             {"broker", Type::string()},
                             {"queue_id", Type::integer()},
                             {"queue_offset", Type::bigint()}});
    table.options = {{"topic", settings().dead_letter_topic},
                     {"nameServerAddress", settings().client.name_servers},
                     {"format", "json"}};
    table.options.insert(settings().access.begin(), settings().access.end());
    return DeadLetterTable{"rocketmq", std::move(table)};
  }

  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    if (recorded()) return make_recorded_enumerator(plan_->settings, context);
    return QueueEnumerator::make(plan_->settings, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    if (recorded()) return make_recorded_reader(plan_, std::move(context));
    return QueueRowReader::make(plan_, std::move(context));
  }

 private:
  const SourceSettings& settings() const { return *plan_->settings; }
  bool recorded() const { return !settings().recording.empty(); }

  std::shared_ptr<RowPlan> plan_;
  std::vector<std::size_t> accepted_;
};

// Equality on the tag narrows the subscription. Values that a tag expression cannot hold are left
// to the engine.
void take_tag_predicates(const SourceRequest& request, RowPlan& plan,
                         std::vector<std::size_t>& accepted) {
  for (std::size_t i = 0; i < request.predicates.size(); ++i) {
    const auto equal = connector_kit::equals_any_of(request.predicates[i]);
    if (!equal || !equal->is_metadata || find_metadata_key(equal->column) != MetadataKey::kTags)
      continue;
    const bool plain =
        std::all_of(equal->texts.begin(), equal->texts.end(), [](const std::string& value) {
          return !value.empty() && value != "*" && value.find_first_of("| \t") == std::string::npos;
        });
    if (!plain) continue;
    std::vector<std::string> tags;
    for (const std::string& value : equal->texts) {
      const bool wanted = plan.tags.empty() ||
                          std::find(plan.tags.begin(), plan.tags.end(), value) != plan.tags.end();
      if (wanted && std::find(tags.begin(), tags.end(), value) == tags.end()) tags.push_back(value);
    }
    if (tags.empty())
      continue;  // contradiction: nothing to subscribe to, the engine filters everything
    plan.tags = std::move(tags);
    accepted.push_back(i);
  }
}

}  // namespace

Result<std::unique_ptr<Source>> make_queue_source(const SourceRequest& request) {
  const TableDefinition& table = request.table;
  TRY_ASSIGN(SourceSettings settings, read_source_settings(table));
  if (settings.format.upsert()) {
    return Error{ErrorCode::kUnsupported,
                 "table '" + table.name +
                     "': 'changelog.mode' = 'upsert' can only be written; to read the messages as "
                     "they are, declare a table without the option, with 'decode.errors' = 'skip' "
                     "for the empty bodies of keys that are gone"};
  }
  auto plan = std::make_shared<RowPlan>();
  for (const std::size_t index : request.metadata) {
    TRY_ASSIGN(ReadColumn resolved, resolve_read_column(table, table.metadata[index]));
    plan->metadata.push_back(std::move(resolved));
  }
  TRY_ASSIGN(auto rows,
             connector_kit::plan_decoding(request, settings.format, settings.decode_errors));
  rows.log_failures = settings.log_decode_errors;
  plan->rows = std::make_shared<const connector_kit::DecodedTable>(std::move(rows));
  plan->tags = settings.tags;
  std::vector<std::size_t> accepted;
  if (settings.sql.empty() && push_down(settings)) take_tag_predicates(request, *plan, accepted);
  plan->settings = std::make_shared<const SourceSettings>(std::move(settings));
  return std::unique_ptr<Source>(
      std::make_unique<QueueSource>(std::move(plan), std::move(accepted)));
}

}  // namespace slipstream::rocketmq_connector
