#include "connectors/kafka/metadata_columns.h"

#include <array>
#include <map>
#include <optional>
#include <string>

#include <librdkafka/rdkafka.h>

#include "base/suggest.h"
#include "base/try.h"

namespace slipstream::kafka_connector {
namespace {

enum class Shape : std::uint8_t { kText, kInteger, kLong, kTime, kHeaders };

struct KeyRow {
  MetadataKey key;
  const char* name;
  Shape shape;
  const char* description;
};

constexpr auto kKeys = std::to_array<KeyRow>({
    {MetadataKey::kTopic, "topic", Shape::kText, "Topic of the message."},
    {MetadataKey::kPartition, "partition", Shape::kInteger, "Partition of the topic."},
    {MetadataKey::kOffset, "offset", Shape::kLong, "Position in the partition."},
    {MetadataKey::kTimestamp, "timestamp", Shape::kTime, "Time of the message."},
    {MetadataKey::kTimestampType, "timestamp-type", Shape::kText,
     "What that is: 'CreateTime' (the producer's), 'LogAppendTime' (the broker's) or "
     "'NoTimestampType'."},
    {MetadataKey::kHeaders, "headers", Shape::kHeaders,
     "Headers; of several with one name the last."},
});

Type type_of(const KeyRow& row) {
  switch (row.shape) {
    case Shape::kText:
      return Type::string();
    case Shape::kInteger:
      return Type::integer();
    case Shape::kLong:
      return Type::bigint();
    case Shape::kTime:
      return Type::timestamp_ltz(3);
    case Shape::kHeaders:
      break;
  }
  return Type::map(Type::string(), Type::bytes());
}

bool is_text(const Type& type) { return type.kind() == TypeKind::kVarChar; }

bool fits(const KeyRow& row, const Type& type) {
  switch (row.shape) {
    case Shape::kText:
      return is_text(type);
    case Shape::kInteger:
      return type.kind() == TypeKind::kInt || type.kind() == TypeKind::kBigInt;
    case Shape::kLong:
      return type.kind() == TypeKind::kBigInt;
    case Shape::kTime:
      return type.is_timestamp() || type.kind() == TypeKind::kBigInt;
    case Shape::kHeaders:
      break;
  }
  if (type.kind() != TypeKind::kMap || !is_text(type.children()[0].type)) return false;
  const Type& value = type.children()[1].type;
  return is_text(value) || value.kind() == TypeKind::kVarBinary;
}

Error unknown_key(const TableDefinition& table, const TableDefinition::MetadataColumn& column) {
  const std::string subject = "table '" + table.name + "': column '" + column.name + "': ";
  if (column.key == "leader-epoch") {
    return Error{ErrorCode::kUnsupported,
                 subject +
                     "metadata 'leader-epoch' cannot be read: librdkafka 2.0 does not tell "
                     "it; leave the column out"};
  }
  std::vector<std::string> names;
  std::string all;
  for (const KeyRow& row : kKeys) {
    names.emplace_back(row.name);
    all += (all.empty() ? "" : ", ") + names.back();
  }
  return Error{ErrorCode::kInvalidArgument, subject + "no metadata '" + column.key + "'" +
                                                did_you_mean(column.key, names) + " (there are " +
                                                all + ")"};
}

Result<const KeyRow*> check_column(const TableDefinition& table,
                                   const TableDefinition::MetadataColumn& column) {
  for (const KeyRow& row : kKeys) {
    if (column.key != row.name) continue;
    if (fits(row, column.type)) return &row;
    return Error{ErrorCode::kInvalidArgument, "table '" + table.name + "': column '" + column.name +
                                                  "': metadata '" + row.name + "' cannot be " +
                                                  column.type.to_string() + "; declare it " +
                                                  type_of(row).to_string()};
  }
  return unknown_key(table, column);
}

void append_integer(std::int64_t value, const Type& type, ColumnBuilder& out) {
  if (type.kind() == TypeKind::kInt)
    out.append<std::int32_t>(static_cast<std::int32_t>(value));
  else
    out.append<std::int64_t>(value);
}

const char* name_of(rd_kafka_timestamp_type_t type) {
  if (type == RD_KAFKA_TIMESTAMP_CREATE_TIME) return "CreateTime";
  return type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? "LogAppendTime" : "NoTimestampType";
}

void append_time(const ReadColumn& column, const rd_kafka_message_t& message, ColumnBuilder& out) {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t ms = rd_kafka_message_timestamp(&message, &type);
  if (column.key == MetadataKey::kTimestampType) return out.append_text(name_of(type));
  if (ms < 0) return out.append_null();
  const Type& wanted = column.type;
  out.append<std::int64_t>(wanted.is_timestamp() ? ms * (wanted.units_per_second() / 1'000) : ms);
}

void append_headers(const rd_kafka_message_t& message, ColumnBuilder& out) {
  std::map<std::string_view, std::optional<std::string_view>> last;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      last[name] = value == nullptr
                       ? std::nullopt
                       : std::optional(std::string_view(static_cast<const char*>(value), size));
    }
  }
  for (const auto& [name, value] : last) {
    out.child(0).append_text(name);
    if (value)
      out.child(1).append_text(*value);
    else
      out.child(1).append_null();
  }
  out.append_nested();
}

}  // namespace

std::vector<MetadataSpec> kafka_metadata() {
  std::vector<MetadataSpec> specs;
  for (const KeyRow& row : kKeys)
    specs.push_back({.key = row.name, .type = type_of(row), .description = row.description});
  return specs;
}

Result<ReadColumn> resolve_read_column(const TableDefinition& table,
                                       const TableDefinition::MetadataColumn& column) {
  TRY_ASSIGN(const KeyRow* row, check_column(table, column));
  return ReadColumn{row->key, column.type};
}

void append_metadata(const ReadColumn& column, const std::string& topic,
                     const rd_kafka_message_s& message, ColumnBuilder& out) {
  switch (column.key) {
    case MetadataKey::kTopic:
      return out.append_text(topic);
    case MetadataKey::kPartition:
      return append_integer(message.partition, column.type, out);
    case MetadataKey::kOffset:
      return append_integer(message.offset, column.type, out);
    case MetadataKey::kTimestamp:
    case MetadataKey::kTimestampType:
      return append_time(column, message, out);
    case MetadataKey::kHeaders:
      return append_headers(message, out);
  }
}

}  // namespace slipstream::kafka_connector
