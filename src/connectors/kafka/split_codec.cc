#include "connectors/kafka/split_codec.h"

#include <algorithm>
#include <charconv>

#include "base/try.h"

namespace slipstream::kafka_connector {
namespace {

bool read_number(std::string_view& text, std::int64_t& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return true;
}

bool read_comma(std::string_view& text) {
  if (text.empty() || text.front() != ',') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Split encode_split(const PartitionPosition& position) {
  return {position.partition.to_string(),
          "1," + std::to_string(position.next) + "," + std::to_string(position.end)};
}

Result<PartitionPosition> decode_split(const Split& split) {
  const Error wrong{ErrorCode::kCorrupt, "split '" + split.id + "' with state '" + split.state +
                                             "' was not written by this connector"};
  const std::size_t slash = split.id.rfind('/');
  if (slash == std::string::npos || slash == 0) return wrong;
  PartitionPosition position;
  position.partition.topic = split.id.substr(0, slash);
  std::string_view id = std::string_view(split.id).substr(slash + 1);
  std::int64_t number = 0;
  if (!read_number(id, number) || !id.empty() || number < 0) return wrong;
  position.partition.id = static_cast<std::int32_t>(number);
  std::string_view state = split.state;
  std::int64_t version = 0;
  if (!read_number(state, version) || version != 1) return wrong;
  if (!read_comma(state) || !read_number(state, position.next)) return wrong;
  if (!read_comma(state) || !read_number(state, position.end) || !state.empty()) return wrong;
  return position;
}

std::string encode_known_splits(const std::set<std::string>& ids) {
  std::string text = "1";
  for (const std::string& id : ids) text += "\n" + id;
  return text;
}

Result<std::set<std::string>> decode_known_splits(std::string_view text) {
  if (text != "1" && !text.starts_with("1\n")) {
    return Error{ErrorCode::kCorrupt, "state of a kafka source that this version does not know: '" +
                                          std::string(text.substr(0, 40)) + "'"};
  }
  std::set<std::string> ids;
  text.remove_prefix(1);
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::size_t end = std::min(text.find('\n'), text.size());
    ids.emplace(text.substr(0, end));
    text.remove_prefix(end);
  }
  return ids;
}

}  // namespace slipstream::kafka_connector
