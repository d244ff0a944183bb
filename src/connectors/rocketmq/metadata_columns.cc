#include "connectors/rocketmq/metadata_columns.h"

#include <array>

#include "base/suggest.h"
#include "base/try.h"
#include "connectors/rocketmq/settings.h"
#include "data/text/civil.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {
namespace {

enum class Shape : std::uint8_t { kText, kInteger, kTime, kProperties };

struct KeyRow {
  MetadataKey key;
  const char* name;
  Shape shape;
  bool readable;
  bool writable;
  const char* description;
  const char* other;  // another spelling besides __name__, or empty
};

constexpr auto kKeys = std::to_array<KeyRow>({
    {MetadataKey::kTopic, "topic", Shape::kText, true, true, "Topic of the message.", ""},
    {MetadataKey::kBroker, "broker", Shape::kText, true, true, "Name of the broker that stores it.",
     "broker-name"},
    {MetadataKey::kQueueId, "queue-id", Shape::kInteger, true, true,
     "Queue of the topic on that broker; written: NULL = any queue.", ""},
    {MetadataKey::kQueueOffset, "queue-offset", Shape::kInteger, true, false,
     "Position in the queue.", ""},
    {MetadataKey::kMessageId, "msg-id", Shape::kText, true, false,
     "The producer's unique key, else the broker's offset message id.", "message-id"},
    {MetadataKey::kStoreTime, "store-timestamp", Shape::kTime, true, false,
     "When the broker stored it.", ""},
    {MetadataKey::kBornTime, "born-timestamp", Shape::kTime, true, false,
     "When the producer sent it.", ""},
    {MetadataKey::kStoreHost, "store-host", Shape::kText, true, false, "Address of the broker.",
     ""},
    {MetadataKey::kBornHost, "born-host", Shape::kText, true, false, "Address of the producer.",
     ""},
    {MetadataKey::kKeys, "keys", Shape::kText, true, true, "Index keys, separated by blanks.", ""},
    {MetadataKey::kTags, "tags", Shape::kText, true, true, "The tag.", "tag"},
    {MetadataKey::kProperties, "properties", Shape::kProperties, true, true, "User properties.",
     ""},
    {MetadataKey::kReconsumeTimes, "reconsume-times", Shape::kInteger, true, false,
     "How often it was given back.", "delivery-attempt"},
    {MetadataKey::kDeliveryTime, "delivery-time", Shape::kTime, false, true,
     "When consumers may see it (brokers from 5.0).", ""},
    {MetadataKey::kShardingKey, "sharding-key", Shape::kText, true, true,
     "Messages of one key keep their order: its Java hash decides about the queue. The message "
     "group of 5.x.",
     "message-group"},
    {MetadataKey::kDelayLevel, "delay-level", Shape::kInteger, false, true,
     "How long consumers do not see it: 1 (1 s) to 18 (2 h), as the brokers are set; NULL and 0 = "
     "not at all.",
     ""},
});

const KeyRow& row_of(MetadataKey key) { return kKeys[static_cast<std::size_t>(key)]; }

Type type_of(const KeyRow& row) {
  switch (row.shape) {
    case Shape::kText:
      return Type::string();
    case Shape::kInteger:
      return row.key == MetadataKey::kQueueOffset ? Type::bigint() : Type::integer();
    case Shape::kTime:
      return Type::timestamp(3);
    case Shape::kProperties:
      break;
  }
  return Type::map(Type::string(), Type::string());
}

MetadataRole role_of(const KeyRow& row) {
  return row.key == MetadataKey::kStoreTime ? MetadataRole::kIngestionTime : MetadataRole::kNone;
}

bool fits(const KeyRow& row, const Type& type) {
  switch (row.shape) {
    case Shape::kText:
      return type.kind() == TypeKind::kVarChar;
    case Shape::kInteger:
      return type.kind() == TypeKind::kBigInt ||
             (type.kind() == TypeKind::kInt && row.key != MetadataKey::kQueueOffset);
    case Shape::kTime:
      return type.is_timestamp() || type.kind() == TypeKind::kBigInt;
    case Shape::kProperties:
      break;
  }
  return type.kind() == TypeKind::kMap && type.children()[0].type.kind() == TypeKind::kVarChar &&
         type.children()[1].type.kind() == TypeKind::kVarChar;
}

Error unknown_key(const TableDefinition& table, const TableDefinition::MetadataColumn& column) {
  std::vector<std::string> names;
  for (const KeyRow& row : kKeys) names.emplace_back(row.name);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return Error{ErrorCode::kInvalidArgument,
               "table '" + table.name + "': column '" + column.name + "': no metadata '" +
                   column.key + "'" + did_you_mean(column.key, names) + " (there are " + all + ")"};
}

Result<const KeyRow*> check_column(const TableDefinition& table,
                                   const TableDefinition::MetadataColumn& column) {
  const auto key = find_metadata_key(column.key);
  if (!key) return unknown_key(table, column);
  const KeyRow& row = row_of(*key);
  if (!fits(row, column.type)) {
    return Error{ErrorCode::kInvalidArgument, "table '" + table.name + "': column '" + column.name +
                                                  "': metadata '" + row.name + "' cannot be " +
                                                  column.type.to_string() + "; declare it " +
                                                  type_of(row).to_string()};
  }
  return &row;
}

void append_text(std::string_view text, ColumnBuilder& out) { out.append_text_view(text); }

void append_integer(std::int64_t value, const Type& type, ColumnBuilder& out) {
  if (type.kind() == TypeKind::kInt)
    out.append<std::int32_t>(static_cast<std::int32_t>(value));
  else
    out.append<std::int64_t>(value);
}

void append_time(std::int64_t ms, const Type& type, ColumnBuilder& out) {
  out.append<std::int64_t>(type.is_timestamp() ? ms * (type.units_per_second() / 1'000) : ms);
}

void append_property(const MessageOrigin& origin, std::string_view name, ColumnBuilder& out) {
  const auto value = rocketmq::find_property(origin.record->properties, name);
  if (value)
    append_text(*value, out);
  else
    out.append_null();
}

void append_message_id(const rocketmq::RecordView& record, ColumnBuilder& out) {
  if (const auto unique =
          rocketmq::find_property(record.properties, rocketmq::property::kUniqueKey))
    return append_text(*unique, out);
  out.append_text(
      rocketmq::encode_offset_message_id(record.store_host.ip, record.store_host.port,
                                         static_cast<std::uint64_t>(record.physical_offset)));
}

void append_properties(const rocketmq::RecordView& record, ColumnBuilder& out) {
  rocketmq::PropertyCursor cursor(record.properties);
  rocketmq::PropertyView property;
  while (cursor.next(property)) {
    if (rocketmq::is_reserved_property(property.name)) continue;
    append_text(property.name, out.child(0));
    append_text(property.value, out.child(1));
  }
  out.append_nested();
}

}  // namespace

std::vector<MetadataSpec> rocketmq_metadata() {
  std::vector<MetadataSpec> specs;
  for (const KeyRow& row : kKeys) {
    specs.push_back(MetadataSpec{row.name, type_of(row), row.readable, row.writable,
                                 row.description, role_of(row)});
  }
  for (const KeyRow& row : kKeys) {
    std::string plain(row.name);
    for (char& c : plain) c = c == '-' ? '_' : c;
    std::vector<std::string> others{"__" + plain + "__"};
    if (plain != row.name) others.push_back(plain);
    if (*row.other != '\0') {
      std::string other(row.other);
      for (char& c : other) c = c == '-' ? '_' : c;
      others.push_back(other);
    }
    for (std::string& other : others) {
      specs.push_back(MetadataSpec{std::move(other), type_of(row), row.readable, row.writable,
                                   std::string("Same as '") + row.name + "'.", role_of(row)});
    }
  }
  return specs;
}

std::optional<MetadataKey> find_metadata_key(std::string_view key) {
  if (key.starts_with("__") && key.ends_with("__") && key.size() > 4)
    key = key.substr(2, key.size() - 4);
  std::string plain(key);
  for (char& c : plain) c = c == '_' ? '-' : c;
  for (const KeyRow& row : kKeys) {
    if (plain == row.name || (*row.other != '\0' && plain == row.other)) return row.key;
  }
  return std::nullopt;
}

Result<ReadColumn> resolve_read_column(const TableDefinition& table,
                                       const TableDefinition::MetadataColumn& column) {
  TRY_ASSIGN(const KeyRow* row, check_column(table, column));
  if (!row->readable) {
    return Error{ErrorCode::kInvalidArgument,
                 "table '" + table.name + "': column '" + column.name + "': metadata '" +
                     row->name + "' can only be written; leave the column out of the query"};
  }
  return ReadColumn{row->key, column.type};
}

Result<std::vector<WriteColumn>> resolve_write_columns(const TableDefinition& table) {
  std::vector<WriteColumn> columns;
  std::size_t index = table.physical.size();
  for (const TableDefinition::MetadataColumn& column : table.metadata) {
    if (column.is_virtual) continue;
    TRY_ASSIGN(const KeyRow* row, check_column(table, column));
    if (!row->writable) {
      return Error{ErrorCode::kInvalidArgument,
                   "table '" + table.name + "': column '" + column.name + "': metadata '" +
                       row->name +
                       "' can only be read; declare it METADATA VIRTUAL to write to this table"};
    }
    for (const WriteColumn& other : columns) {
      if (other.key != row->key) continue;
      return Error{ErrorCode::kInvalidArgument,
                   "table '" + table.name + "': columns '" + other.name + "' and '" + column.name +
                       "' both write metadata '" + row->name + "'; declare one of them VIRTUAL"};
    }
    columns.push_back(WriteColumn{row->key, column.type, index++, column.name});
  }
  return columns;
}

void append_metadata(const ReadColumn& column, const MessageOrigin& origin, ColumnBuilder& out) {
  const rocketmq::RecordView& record = *origin.record;
  switch (column.key) {
    case MetadataKey::kTopic:
      return out.append_text(without_namespace(origin.name_space, origin.queue->topic));
    case MetadataKey::kBroker:
      return out.append_text(origin.queue->broker);
    case MetadataKey::kQueueId:
      return append_integer(origin.queue->id, column.type, out);
    case MetadataKey::kQueueOffset:
      return append_integer(record.queue_offset, column.type, out);
    case MetadataKey::kMessageId:
      return append_message_id(record, out);
    case MetadataKey::kStoreTime:
      return append_time(record.store_ms, column.type, out);
    case MetadataKey::kBornTime:
      return append_time(record.born_ms, column.type, out);
    case MetadataKey::kStoreHost:
      return out.append_text(record.store_host.to_string());
    case MetadataKey::kBornHost:
      return out.append_text(record.born_host.to_string());
    case MetadataKey::kKeys:
      return append_property(origin, rocketmq::property::kKeys, out);
    case MetadataKey::kTags:
      return append_property(origin, rocketmq::property::kTags, out);
    case MetadataKey::kProperties:
      return append_properties(record, out);
    case MetadataKey::kReconsumeTimes:
      return append_integer(record.reconsume_times, column.type, out);
    case MetadataKey::kShardingKey:
      return append_property(origin, rocketmq::property::kShardingKey, out);
    case MetadataKey::kDeliveryTime:
    case MetadataKey::kDelayLevel:
      break;
  }
  out.append_null();
}

std::int64_t integer_of(const Column& column, std::size_t row) {
  return column.type().kind() == TypeKind::kInt ? column.data<std::int32_t>()[row]
                                                : column.data<std::int64_t>()[row];
}

std::int64_t epoch_millis(const Column& column, std::size_t row) {
  const std::int64_t value = column.data<std::int64_t>()[row];
  if (!column.type().is_timestamp()) return value;
  return text::floor_div(value, column.type().units_per_second() / 1'000);
}

}  // namespace slipstream::rocketmq_connector
