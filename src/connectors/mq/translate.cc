#include "connectors/mq/translate.h"

#include <algorithm>

#include "base/try.h"

namespace slipstream::mq_connector {
namespace {

constexpr std::string_view kDelimited = "delimited";
constexpr std::string_view kLengthCheck = "lengthCheck";
constexpr std::string_view kPartitionField = "partitionField";
constexpr std::int64_t kSendAttemptMs = 3'000;
constexpr std::int64_t kSendTimeoutMinMs = 60'000;
constexpr std::int64_t kSendTimeoutMaxMs = std::int64_t{365} * 86'400'000;

struct OtherName {
  std::string_view there;
  std::string_view here;
};
// Options that messages of rocketmq name in quotes.
constexpr auto kOtherNames =
    std::to_array<OtherName>({{"nameServerAddress", option::kEndPoint.name},
                              {"accessKey", option::kAccessId.name},
                              {"secretKey", option::kAccessKey.name},
                              {"namespace", option::kInstanceId.name},
                              {"scan.startup.timestamp-millis", option::kStartTimeMs.name},
                              {"scan.pull.pause-when-empty", option::kPullInterval.name},
                              {"produceGroup", option::kProducerGroup.name},
                              {"sink.tags", option::kTag.name}});

// One table on its way.
class Translation {
 public:
  Translation(const TableDefinition& table, Product product, const OptionTable& known,
              const Options& given)
      : table_(table), product_(product), known_(known), given_(given) {}

  Result<OptionMap> run(OptionScope side) {
    copy_shared(side);
    out_["nameServerAddress"] = given_[option::kEndPoint];
    TRY(add_credentials());
    if (product_ == Product::kMq && given_.has(option::kInstanceId))
      out_["namespace"] = given_[option::kInstanceId];
    TRY(side == OptionScope::kSource ? add_source() : add_sink());
    return std::move(out_);
  }

 private:
  Error bad(const std::string& text) const {
    return Error{ErrorCode::kInvalidArgument, "table '" + table_.name + "': " + text};
  }

  // Those that mean the same there, the formats' among them.
  void copy_shared(OptionScope side) {
    static const OptionTable kOwn(
        option_specs(option::kEndPoint, option::kAccessId, option::kAccessKey, option::kInstanceId,
                     option::kTag, option::kPullInterval, option::kStartTimeMs,
                     option::kPullBatchSize, option::kDecodeErrors, option::kProducerGroup,
                     option::kRetryTimes, option::kSleepTime, option::kSendTimeout, option::kMode));
    for (const auto& [name, value] : known_.without_other_side(table_.options, side)) {
      const OptionSpec& spec = *known_.find(name);
      if (kOwn.find(spec.name) == nullptr) out_[spec.name] = value;
    }
  }

  Status add_credentials() {
    const std::string& id = given_[option::kAccessId];
    const std::string& key = given_[option::kAccessKey];
    if (id.empty() != key.empty()) {
      return bad(std::string("option '") + (id.empty() ? "accessId" : "accessKey") +
                 "' is missing: both 'accessId' and 'accessKey' are needed");
    }
    if (id.empty()) return {};
    out_["accessKey"] = id;
    out_["secretKey"] = key;
    return {};
  }

  Status add_source() {
    if (product_ == Product::kMq) {
      if (!given_.has(option::kPullInterval)) {
        return bad(
            "missing option 'pullIntervalMs': how many milliseconds a reader waits after a "
            "pull that found nothing, such as 'pullIntervalMs' = '1000'");
      }
      out_["scan.pull.pause-when-empty"] = std::to_string(given_[option::kPullInterval]) + " ms";
    }
    if (given_.has(option::kStartTimeMs) && given_[option::kStartTimeMs] >= 0)
      out_["scan.startup.timestamp-millis"] = std::to_string(given_[option::kStartTimeMs]);
    out_["pullBatchSize"] = std::to_string(given_[option::kPullBatchSize]);
    const std::string& tag = given_[option::kTag];
    if (tag.find_first_of(",|") != std::string::npos) {
      return bad("option 'tag': a table is read with one tag, and '" + tag +
                 "' are several; leave it out and write WHERE tags IN (...) over a column 'tags "
                 "STRING METADATA VIRTUAL'");
    }
    if (!tag.empty()) out_["tag"] = tag;
    add_error_handling();
    return {};
  }

  // Lines of a wrong length that are skipped are told where 'columnErrorDebug' wants to see them:
  // they are failures then, which are skipped too.
  void add_error_handling() {
    const bool delimited = given_.text("format") == kDelimited;
    const std::string length = delimited ? given_.text(kLengthCheck) : std::string();
    std::string errors = delimited && length != "EXCEPTION" ? "skip" : "fail";
    if (given_.has(option::kDecodeErrors)) errors = given_.text(option::kDecodeErrors.name);
    out_[std::string(option::kDecodeErrors.name)] = errors;
    if (!delimited) return;
    std::string& out = out_[std::string(kLengthCheck)];
    out = length.empty() ? "NONE" : length;
    if (errors != "skip" || !given_[connector_kit::kColumnErrorDebug]) return;
    if (out == "SKIP") out = "EXCEPTION";
    if (out == "NONE") out_.erase(std::string(kLengthCheck));
  }

  Status add_sink() {
    if (given_[option::kProducerGroup].empty()) {
      return bad(
          "missing option 'producerGroup': a table that is written needs a producer group, "
          "such as 'producerGroup' = 'my_group'");
    }
    out_["produceGroup"] = given_[option::kProducerGroup];
    if (given_.text("format") == kDelimited && given_.text(kLengthCheck).empty())
      out_[std::string(kLengthCheck)] = "NONE";
    add_retries();
    TRY(add_partition());
    const std::string& tag = given_[option::kTag];
    if (tag.empty()) return {};
    if (product_ == Product::kMq5) {
      return Error{ErrorCode::kUnsupported,
                   "table '" + table_.name +
                       "': option 'tag' is for reading only in 'mq5' tables; to write tags declare "
                       "a column 'tags STRING METADATA' and give it a value"};
    }
    if (tag.find("||") != std::string::npos)
      return bad("option 'tag': several tags of rows that are written are 'a,b', not '" + tag +
                 "'");
    out_[tag.find(',') == std::string::npos ? "tag" : "sink.tags"] = tag;
    return {};
  }

  // The time-out leaves room for all of them.
  void add_retries() {
    const std::int64_t retries = given_[option::kRetryTimes];
    const std::int64_t backoff_ms =
        std::min<std::int64_t>(given_[option::kSleepTime].count(), kSendTimeoutMaxMs);
    out_["retryTimes"] = std::to_string(retries);
    out_["sleepTimeMs"] = std::to_string(backoff_ms);
    const std::int64_t needed_ms = retries * (backoff_ms + kSendAttemptMs) + kSendAttemptMs;
    const std::int64_t timeout_ms =
        given_.has(option::kSendTimeout)
            ? given_[option::kSendTimeout].count()
            : std::clamp(needed_ms, kSendTimeoutMinMs, kSendTimeoutMaxMs);
    out_[std::string(option::kSendTimeout.name)] = std::to_string(timeout_ms) + " ms";
  }

  Status add_partition() {
    const bool field = !given_.text(kPartitionField).empty();
    if (given_.has(option::kMode) == field) return {};
    return bad(field ? "option 'partitionField' has no effect without 'mode' = 'partition'"
                     : "'mode' = 'partition' needs 'partitionField', the column that decides about "
                       "the queue");
  }

  const TableDefinition& table_;
  const Product product_;
  const OptionTable& known_;
  const Options& given_;
  OptionMap out_;
};

}  // namespace

Error in_own_words(Error error) {
  std::string text;
  std::string_view rest = error.message;
  while (true) {
    const std::size_t begin = rest.find('\'');
    const std::size_t end = begin == std::string_view::npos ? begin : rest.find('\'', begin + 1);
    if (end == std::string_view::npos) break;
    const std::string_view quoted = rest.substr(begin + 1, end - begin - 1);
    const auto other = std::find_if(kOtherNames.begin(), kOtherNames.end(),
                                    [&](const OtherName& each) { return each.there == quoted; });
    text += rest.substr(0, begin + 1);
    text += other == kOtherNames.end() ? quoted : other->here;
    // The closing quote stays: an odd one in the message must not hide a name behind it.
    rest.remove_prefix(end);
    if (other == kOtherNames.end()) continue;
    text += '\'';
    rest.remove_prefix(1);
  }
  error.message = text + std::string(rest);
  return error;
}

Result<TableDefinition> to_rocketmq(const TableDefinition& table, Product product, OptionScope side,
                                    const OptionTable& options) {
  const OptionTable known = connector_kit::with_format_options(options, table.options);
  TRY_ASSIGN(const Options given, known.parse(table.options, "table '" + table.name + "'"));
  TableDefinition translated = table;
  TRY_ASSIGN(translated.options, Translation(table, product, known, given).run(side));
  return translated;
}

}  // namespace slipstream::mq_connector
