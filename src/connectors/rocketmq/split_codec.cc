#include "connectors/rocketmq/split_codec.h"

#include <charconv>

#include "base/try.h"

namespace slipstream::rocketmq_connector {
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

Split encode_split(const QueuePosition& position) {
  Split split{position.queue.to_string(),
              "1," + std::to_string(position.next) + "," + std::to_string(position.end)};
  if (position.last_read && position.end == kNoEnd) {
    split.state += "," + std::to_string(position.last_read->offset) + "," +
                   std::to_string(position.last_read->stored_ms);
  }
  return split;
}

Result<QueuePosition> decode_split(const Split& split) {
  const Error wrong{ErrorCode::kCorrupt, "split '" + split.id + "' with state '" + split.state +
                                             "' was not written by this connector"};
  const std::size_t last = split.id.rfind('/');
  const std::size_t first = split.id.find('/');
  if (last == std::string::npos || first == last) return wrong;
  QueuePosition position;
  position.queue.topic = split.id.substr(0, first);
  position.queue.broker = split.id.substr(first + 1, last - first - 1);
  std::string_view id = std::string_view(split.id).substr(last + 1);
  std::int64_t queue = 0;
  if (!read_number(id, queue) || !id.empty() || queue < 0 || queue > INT32_MAX) return wrong;
  position.queue.id = static_cast<std::int32_t>(queue);
  std::string_view state = split.state;
  std::int64_t version = 0;
  if (!read_number(state, version) || version != 1) return wrong;
  if (!read_comma(state) || !read_number(state, position.next)) return wrong;
  if (!read_comma(state) || !read_number(state, position.end)) return wrong;
  if (state.empty()) return position;
  rocketmq::ReadMessage& read = position.last_read.emplace();
  if (!read_comma(state) || !read_number(state, read.offset)) return wrong;
  if (!read_comma(state) || !read_number(state, read.stored_ms) || !state.empty()) return wrong;
  return position;
}

std::string encode_known_splits(const std::set<std::string>& ids) {
  std::string text = "1";
  for (const std::string& id : ids) text += "\n" + id;
  return text;
}

Result<std::set<std::string>> decode_known_splits(std::string_view text) {
  if (text != "1" && !text.starts_with("1\n")) {
    return Error{ErrorCode::kCorrupt,
                 "state of a rocketmq source that this version does not know: '" +
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

}  // namespace slipstream::rocketmq_connector
