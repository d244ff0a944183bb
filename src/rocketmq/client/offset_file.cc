#include "rocketmq/client/offset_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq::internal {
namespace {

Error file_error(const std::string& what, const std::string& path) {
  return Error{ErrorCode::kUnavailable,
               what + " the offset file " + path + ": " + std::generic_category().message(errno)};
}

}  // namespace

Result<QueueOffsets> read_offset_file(const std::string& path) {
  QueueOffsets offsets;
  std::error_code missing;
  if (!std::filesystem::exists(path, missing)) return offsets;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.good()) return file_error("reading", path);
  const auto json = parse_tolerant_json(text.str());
  if (!json.ok()) return json.error().with_context("the offset file " + path);
  for (const JsonValue& each : (*json)["offsets"].items) {
    const auto offset = each["offset"].integer();
    const std::int64_t queue_id = each["queueId"].integer_or(0);
    if (!offset || *offset < 0 || !each["topic"].is_string() || queue_id < 0 ||
        queue_id > INT32_MAX) {
      return Error{ErrorCode::kCorrupt, "the offset file " + path +
                                            " has an entry without topic, queue or offset; mend "
                                            "it, or remove the file to begin anew"};
    }
    offsets[MessageQueue{each["topic"].string_or(""), each["brokerName"].string_or(""),
                         static_cast<std::int32_t>(queue_id)}] = *offset;
  }
  return offsets;
}

Status write_offset_file(const std::string& path, const QueueOffsets& offsets) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("offsets").begin_array();
  for (const auto& [queue, offset] : offsets) {
    json.begin_object().key("topic").string(queue.topic).key("brokerName").string(queue.broker);
    json.key("queueId").integer(queue.id).key("offset").integer(offset).end_object();
  }
  json.end_array().end_object();
  const std::string partial = path + ".partial";
  {
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    file << text << '\n';
    file.flush();
    if (!file.good()) return file_error("writing", partial);
  }
  if (std::rename(partial.c_str(), path.c_str()) != 0) return file_error("writing", path);
  return {};
}

}  // namespace slipstream::rocketmq::internal
