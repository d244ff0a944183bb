#include "slipstream/rocketmq/trace.h"

#include <array>
#include <charconv>

namespace slipstream::rocketmq {
namespace {

constexpr char kFieldEnd = '\x01';
constexpr char kRecordEnd = '\x02';

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

// Names of an enumeration that is written as its ordinal.
template <std::size_t N>
std::string name_of(const std::array<std::string_view, N>& names, std::string_view ordinal) {
  const std::int64_t at = number(ordinal);
  return at >= 0 && at < static_cast<std::int64_t>(N)
             ? std::string(names[static_cast<std::size_t>(at)])
             : std::string(ordinal);
}

std::string message_type(std::string_view ordinal) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"normal", "half", "commit", "delay", "order"});
  return name_of(kNames, ordinal);
}

std::string consume_outcome(std::string_view ordinal) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"success", "time out", "exception", "null", "failed"});
  return name_of(kNames, ordinal);
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
  event.tags = fields[6];
  event.keys = fields[7];
  event.store_host = fields[8];
  event.body_bytes = number(fields[9]);
  event.took_ms = number(fields[10]);
  event.message_type = message_type(fields[11]);
  // Clients before 4.3 do not say the offset id.
  event.success = fields.back() == "true";
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
  event.keys = fields[7];
  return true;
}

bool read_consumed(const Fields& fields, TraceEvent& event) {
  if (fields.size() < 6) return false;
  event.request_id = fields[1];
  event.message_id = fields[2];
  event.took_ms = number(fields[3]);
  event.success = fields[4] == "true";
  event.keys = fields[5];
  if (fields.size() > 6) event.consume_outcome = consume_outcome(fields[6]);
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
  event.tags = fields[6];
  event.keys = fields[7];
  event.store_host = fields[8];
  event.message_type = message_type(fields[9]);
  event.transaction_id = fields[10];
  event.transaction_state = fields[11];
  return true;
}

bool read_recalled(const Fields& fields, TraceEvent& event) {
  if (fields.size() < 7) return false;
  read_origin(fields, event);
  event.success = fields[6] == "true";
  return true;
}

struct RecordForm {
  std::string_view name;
  TraceEvent::Kind kind;
  bool (*read)(const Fields&, TraceEvent&);
};

constexpr auto kForms = std::to_array<RecordForm>({
    {"Pub", TraceEvent::Kind::kSent, read_sent},
    {"SubBefore", TraceEvent::Kind::kDelivered, read_delivered},
    {"SubAfter", TraceEvent::Kind::kConsumed, read_consumed},
    {"EndTransaction", TraceEvent::Kind::kTransactionEnded, read_ended},
    {"Recall", TraceEvent::Kind::kRecalled, read_recalled},
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

}  // namespace slipstream::rocketmq
