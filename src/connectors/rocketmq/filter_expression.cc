// How brokers (4.9 to 5.5) evaluate SQL92, which decides what may be sent:
// - A missing property is NULL, a comparison with it too, and a message is given when the whole is
//   TRUE. Their AND, OR and NOT are those of SQL.
// - Texts in quotes compare as texts, numbers in them too; '' stands for one quote.
// - A property with an empty text is none for them. Here it is a text.
// - A name is a bare word, without quotes around it.
// - Of a batch that is stored as one message (BatchCQ) they see the properties of the batch.
#include "connectors/rocketmq/filter_expression.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "connectors/rocketmq/metadata_columns.h"
#include "rocketmq/message/properties.h"

namespace slipstream::rocketmq_connector {
namespace {

using Kind = ElementCondition::Kind;
// None: nothing that brokers could check, so it holds for every message.
using Sql = std::optional<std::string>;

constexpr auto kWords =
    std::to_array<std::string_view>({"NOT", "AND", "OR", "BETWEEN", "IN", "TRUE", "FALSE", "NULL",
                                     "IS", "CONTAINS", "STARTSWITH", "ENDSWITH"});

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

bool is_name(std::string_view key) {
  if (key.empty() || !is_letter(key.front())) return false;
  std::string upper;
  for (const char c : key) {
    if (!is_letter(c) && !(c >= '0' && c <= '9')) return false;
    upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return std::find(kWords.begin(), kWords.end(), upper) == kWords.end();
}

// Brokers replace bytes that are no UTF-8, so a text with the replacement could stand for such.
bool is_comparable(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const char32_t point = decode_utf8(text, at);
    if (point < 0x20 || point == 0x7F || point == 0xFFFD || point == kInvalidCodePoint)
      return false;
  }
  return true;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
  return out + "'";
}

std::string one_of(const std::string& key, const std::vector<std::string>& texts, bool negated) {
  if (texts.size() == 1) return key + (negated ? " <> " : " = ") + quoted(texts.front());
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + quoted(text);
  return key + (negated ? " NOT IN (" : " IN (") + list + ")";
}

Sql comparison(const ElementCondition& condition) {
  if (!std::all_of(condition.texts.begin(), condition.texts.end(), is_comparable))
    return std::nullopt;
  const bool negated = condition.kind == Kind::kEqualsNone;
  std::vector<std::string> texts;
  std::copy_if(condition.texts.begin(), condition.texts.end(), std::back_inserter(texts),
               [](const std::string& text) { return !text.empty(); });
  const bool has_empty = texts.size() != condition.texts.size();
  const std::string null = condition.key + " IS NULL";
  if (texts.empty()) {
    if (!has_empty) return std::nullopt;
    return negated ? condition.key + " IS NOT NULL" : null;
  }
  const std::string compared = one_of(condition.key, texts, negated);
  return has_empty == negated ? compared : "(" + null + " OR " + compared + ")";
}

Sql term(const ElementCondition& condition);

// AND without the operands that brokers cannot check; OR needs all of them.
Sql joined(const ElementCondition& condition) {
  const bool is_and = condition.kind == Kind::kAnd;
  std::string all;
  for (const ElementCondition& operand : condition.operands) {
    const Sql sql = term(operand);
    if (!sql && is_and) continue;
    if (!sql) return std::nullopt;
    all += (all.empty() ? "" : is_and ? " AND " : " OR ") + *sql;
  }
  if (all.empty()) return std::nullopt;
  return "(" + all + ")";
}

Sql term(const ElementCondition& condition) {
  if (condition.kind == Kind::kAnd || condition.kind == Kind::kOr) return joined(condition);
  const bool of_properties =
      condition.is_metadata && find_metadata_key(condition.column) == MetadataKey::kProperties;
  if (!of_properties || !is_name(condition.key) || rocketmq::is_reserved_property(condition.key))
    return std::nullopt;
  // An empty text is not NULL here, and nothing for them.
  if (condition.kind == Kind::kIsNotNull) return std::nullopt;
  if (condition.kind == Kind::kIsNull) return condition.key + " IS NULL";
  return comparison(condition);
}

}  // namespace

std::string filter_expression(std::span<const ElementCondition> conditions) {
  const std::string batch = std::string(rocketmq::property::kInnerNum) + " IS NOT NULL OR (";
  std::string all;
  for (const ElementCondition& condition : conditions) {
    const Sql sql = term(condition);
    if (!sql) continue;
    const std::string more = (all.empty() ? "" : " AND ") + *sql;
    if (batch.size() + all.size() + more.size() < kFilterBytesMax) all += more;
  }
  return all.empty() ? all : batch + all + ")";
}

}  // namespace slipstream::rocketmq_connector
