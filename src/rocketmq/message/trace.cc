#include "slipstream/rocketmq/trace.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

namespace slipstream::rocketmq {
namespace {

constexpr char kFieldEnd = '\x01';
constexpr char kRecordEnd = '\x02';
// What the Java client writes for tags or keys that a message has not. An empty last field would
// make its own reader fail.
constexpr std::string_view kNone = "null";

using Fields = std::vector<std::string_view>;

Fields split(std::string_view text, char separator) {
  Fields fields;
  while (true) {
    const std::size_t end = text.find(separator);
    fields.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return fields;
    text.remove_prefix(end + 1);
  }
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Enumerations are written as ordinals.
constexpr auto kMessageTypes =
    std::to_array<std::string_view>({"normal", "half", "commit", "delay", "order"});
constexpr auto kConsumeOutcomes =
    std::to_array<std::string_view>({"success", "time out", "exception", "null", "failed"});

template <std::size_t N>
std::string name_of(const std::array<std::string_view, N>& names, std::string_view ordinal) {
  const std::int64_t at = number(ordinal);
  return at >= 0 && at < static_cast<std::int64_t>(N)
             ? std::string(names[static_cast<std::size_t>(at)])
             : std::string(ordinal);
}

// The first one when there is no name; a number that was read as it is stays.
template <std::size_t N>
std::string ordinal_of(const std::array<std::string_view, N>& names, const std::string& name) {
  if (name.empty()) return "0";
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? name : std::to_string(found - names.begin());
}

std::string value_or_none(std::string_view field) {
  return field == kNone ? std::string() : std::string(field);
}

// Time, region, group, topic, id: how records of producers begin.
void read_origin(const Fields& fields, TraceEvent& event) {
  event.time_ms = number(fields[1]);
  event.region = fields[2];
  event.group = fields[3];
  event.topic = fields[4];
  event.message_id = fields[5];
}

bool read_sent(const Fields& fields, TraceEvent& event) {
  if (fields.size() < 13) return false;
  read_origin(fields, event);
  event.tags = value_or_none(fields[6]);
  event.keys = value_or_none(fields[7]);
  event.store_host = fields[8];
  event.body_bytes = number(fields[9]);
  event.took_ms = number(fields[10]);
  event.message_type = name_of(kMessageTypes, fields[11]);
  // The oldest clients do not say the offset id; some say their host behind all.
  event.success = fields[fields.size() > 13 ? 13 : 12] == "true";
  if (fields.size() > 13) event.offset_message_id = fields[12];
  return true;
}

bool read_delivered(const Fields& fields, TraceEvent& event) {
  if (fields.size() < 8) return false;
  event.time_ms = number(fields[1]);
  event.region = fields[2];
  event.group = fields[3];
  event.request_id = fields[4];
  event.message_id = fields[5];
  event.retries = number(fields[6]);
  event.keys = value_or_none(fields[7]);
  return true;
}

bool read_consumed(const Fields& fields, TraceEvent& event) {
  if (fields.size() < 6) return false;
  event.request_id = fields[1];
  event.message_id = fields[2];
  event.took_ms = number(fields[3]);
  event.success = fields[4] == "true";
  event.keys = value_or_none(fields[5]);
  if (fields.size() > 6) event.consume_outcome = name_of(kConsumeOutcomes, fields[6]);
  // Not on the access channel of the managed service.
  if (fields.size() > 8) {
    event.time_ms = number(fields[7]);
    event.group = fields[8];
  }
  return true;
}

bool read_ended(const Fields& fields, TraceEvent& event) {
  if (fields.size() < 13) return false;
  read_origin(fields, event);
  event.tags = value_or_none(fields[6]);
  event.keys = value_or_none(fields[7]);
  event.store_host = fields[8];
  event.message_type = name_of(kMessageTypes, fields[9]);
  event.transaction_id = fields[10];
  event.transaction_state = fields[11];
  event.from_check = fields[12] == "true";
  return true;
}

bool read_recalled(const Fields& fields, TraceEvent& event) {
  if (fields.size() < 7) return false;
  read_origin(fields, event);
  event.success = fields[6] == "true";
  return true;
}

// Collects the fields of a record.
class RecordWriter {
 public:
  explicit RecordWriter(std::string& body) : body_(body) {}

  RecordWriter& text(std::string_view field) {
    if (!first_) body_ += kFieldEnd;
    first_ = false;
    body_ += field;
    return *this;
  }
  RecordWriter& number(std::int64_t field) { return text(std::to_string(field)); }
  RecordWriter& truth(bool field) { return text(field ? "true" : "false"); }
  RecordWriter& optional(std::string_view field) { return text(field.empty() ? kNone : field); }
  RecordWriter& texts(std::initializer_list<std::string_view> fields) {
    for (const std::string_view field : fields) text(field);
    return *this;
  }

 private:
  std::string& body_;
  bool first_ = true;
};

void write_origin(const TraceEvent& event, RecordWriter& record) {
  record.number(event.time_ms).texts({event.region, event.group, event.topic, event.message_id});
}

void write_sent(const TraceEvent& event, AccessChannel, RecordWriter& record) {
  write_origin(event, record);
  record.optional(event.tags).optional(event.keys).text(event.store_host);
  record.number(event.body_bytes).number(event.took_ms);
  record.text(ordinal_of(kMessageTypes, event.message_type)).text(event.offset_message_id);
  record.truth(event.success.value_or(false));
}

void write_delivered(const TraceEvent& event, AccessChannel, RecordWriter& record) {
  record.number(event.time_ms)
      .texts({event.region, event.group, event.request_id, event.message_id});
  record.number(event.retries).optional(event.keys);
}

void write_consumed(const TraceEvent& event, AccessChannel channel, RecordWriter& record) {
  record.texts({event.request_id, event.message_id}).number(event.took_ms);
  record.truth(event.success.value_or(false)).optional(event.keys);
  record.text(ordinal_of(kConsumeOutcomes, event.consume_outcome));
  if (channel == AccessChannel::kCloud)
    record.text("");
  else
    record.number(event.time_ms).text(event.group);
}

void write_ended(const TraceEvent& event, AccessChannel, RecordWriter& record) {
  write_origin(event, record);
  record.optional(event.tags).optional(event.keys).text(event.store_host);
  record.text(ordinal_of(kMessageTypes, event.message_type));
  record.texts({event.transaction_id, event.transaction_state}).truth(event.from_check);
}

void write_recalled(const TraceEvent& event, AccessChannel, RecordWriter& record) {
  write_origin(event, record);
  record.truth(event.success.value_or(false));
}

struct RecordForm {
  std::string_view name;
  TraceEvent::Kind kind;
  bool (*read)(const Fields&, TraceEvent&);
  void (*write)(const TraceEvent&, AccessChannel, RecordWriter&);
};

constexpr auto kForms = std::to_array<RecordForm>({
    {"Pub", TraceEvent::Kind::kSent, read_sent, write_sent},
    {"SubBefore", TraceEvent::Kind::kDelivered, read_delivered, write_delivered},
    {"SubAfter", TraceEvent::Kind::kConsumed, read_consumed, write_consumed},
    {"EndTransaction", TraceEvent::Kind::kTransactionEnded, read_ended, write_ended},
    {"Recall", TraceEvent::Kind::kRecalled, read_recalled, write_recalled},
});

bool read_record(std::string_view record, TraceEvent& event) {
  const Fields fields = split(record, kFieldEnd);
  for (const RecordForm& form : kForms) {
    if (fields[0] != form.name) continue;
    event.kind = form.kind;
    return form.read(fields, event);
  }
  return false;
}

}  // namespace

TraceRecords decode_trace(std::string_view body) {
  TraceRecords records;
  for (const std::string_view record : split(body, kRecordEnd)) {
    if (record.empty()) continue;
    TraceEvent event;
    if (read_record(record, event)) {
      records.events.push_back(std::move(event));
    } else {
      ++records.unreadable;
    }
  }
  return records;
}

void encode_trace(const TraceEvent& event, AccessChannel channel, std::string& body) {
  for (const RecordForm& form : kForms) {
    if (form.kind != event.kind) continue;
    RecordWriter record(body);
    record.text(form.name);
    form.write(event, channel, record);
    body += kRecordEnd;
    return;
  }
}

}  // namespace slipstream::rocketmq
