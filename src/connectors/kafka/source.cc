#include "connectors/kafka/source.h"

#include <utility>

#include "base/mutex.h"
#include "base/try.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/enumerator.h"
#include "connectors/kafka/reader.h"
#include "connectors/kafka/settings.h"
#include "connectors/kafka/table_options.h"

namespace slipstream::kafka_connector {
namespace {

// The word of a mode, as the table says it.
template <typename Mode>
std::string word_of(const Option<Mode>& option, Mode mode) {
  for (const OptionWord<Mode>& each : option.limits.words) {
    if (each.value == mode) return std::string(each.word);
  }
  return {};
}

class TopicSource final : public Source {
 public:
  explicit TopicSource(std::shared_ptr<const RowPlan> plan) : plan_(std::move(plan)) {}

  Schema schema() const override { return plan_->rows->schema; }
  bool bounded() const override { return settings().bound != BoundMode::kUnbounded; }
  bool updating() const override { return settings().format.format->changelog; }
  std::vector<std::string> endpoints() const override {
    const TopicSelection& topics = settings().topics;
    if (topics.is_pattern()) return endpoints_of(topics.text(), settings().servers);
    std::vector<std::string> all;
    for (const std::string& topic : topics.names()) {
      for (std::string& each : endpoints_of("topic '" + topic + "'", settings().servers))
        all.push_back(std::move(each));
    }
    return all;
  }
  std::vector<std::string> explain() const override {
    std::vector<std::string> lines{"topic=" + settings().topics.text(),
                                   "format=" + settings().format.name(),
                                   "start=" + word_of(option::kStartupMode, settings().start)};
    if (!settings().group.empty()) lines.push_back("group=" + settings().group);
    if (bounded()) lines.push_back("end=" + word_of(option::kBoundedMode, settings().bound));
    return lines;
  }
  // As JSON, at least once.
  std::optional<DeadLetterTable> dead_letters() const override {
    if (settings().decode_errors != connector_kit::DecodeErrors::kDeadLetter) return std::nullopt;
    TableDefinition table;
    table.name = settings().table + " dead-letter topic";
    table.physical = Schema({{"body", Type::bytes()},
                             {"reason", Type::string()},
                             {"topic", Type::string()},
                             {"partition", Type::integer()},
                             {"offset", Type::bigint()}});
    table.options = settings().access;
    table.options["topic"] = settings().dead_letter_topic;
    table.options["format"] = "json";
    return DeadLetterTable{"kafka", std::move(table)};
  }

  Result<std::unique_ptr<SplitEnumerator>> make_enumerator(EnumeratorContext context) override {
    TRY_ASSIGN(const auto client, questions());
    return PartitionEnumerator::make(plan_->settings, client, context);
  }
  Result<std::unique_ptr<SourceReader>> make_reader(ReaderContext context) override {
    TRY_ASSIGN(auto client, questions());
    return PartitionRowReader::make(plan_, std::move(client), std::move(context));
  }

 private:
  const SourceSettings& settings() const { return *plan_->settings; }
  // One for the enumerator and all readers, made when it is needed first.
  Result<std::shared_ptr<const Client>> questions() {
    MutexLock lock(mutex_);
    if (questions_ == nullptr) {
      TRY_ASSIGN(questions_,
                 Client::make(ClientRole::kConsumer, {settings().table, settings().servers},
                              settings().properties));
    }
    return questions_;
  }

  const std::shared_ptr<const RowPlan> plan_;
  Mutex mutex_;
  std::shared_ptr<const Client> questions_ SLIPSTREAM_GUARDED_BY(mutex_);
};

}  // namespace

Result<std::unique_ptr<Source>> make_topic_source(const SourceRequest& request) {
  const TableDefinition& table = request.table;
  TRY_ASSIGN(SourceSettings settings, read_source_settings(table));
  auto plan = std::make_shared<RowPlan>();
  for (const std::size_t index : request.metadata) {
    TRY_ASSIGN(ReadColumn resolved, resolve_read_column(table, table.metadata[index]));
    plan->metadata.push_back(std::move(resolved));
  }
  TRY_ASSIGN(auto rows,
             connector_kit::plan_decoding(request, settings.format, settings.decode_errors));
  rows.log_failures = settings.log_decode_errors;
  plan->rows = std::make_shared<const connector_kit::DecodedTable>(std::move(rows));
  plan->settings = std::make_shared<const SourceSettings>(std::move(settings));
  return std::unique_ptr<Source>(std::make_unique<TopicSource>(std::move(plan)));
}

}  // namespace slipstream::kafka_connector
