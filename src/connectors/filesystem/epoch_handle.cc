#include "connectors/filesystem/epoch_handle.h"

#include <algorithm>
#include <charconv>

#include "connectors/filesystem/file_split.h"

namespace slipstream::filesystem_connector {
namespace {

constexpr std::string_view kHiddenSuffix = ".inprogress";
constexpr std::size_t kNumberDigits = 10;
constexpr std::size_t kHashDigits = 8;
constexpr std::size_t kTokenDigits = 16;

std::string hex(std::uint64_t value, std::size_t digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 4U) text[i] = kDigits[value & 0xFU];
  return text;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

std::string hash_of_sink(std::string_view uid) {
  const std::uint64_t hash = fingerprint(uid);
  return hex(hash ^ (hash >> 32U), kHashDigits);
}

std::string part_name(const PartSeries& series, std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < kNumberDigits) digits.insert(0, kNumberDigits - digits.size(), '0');
  return "part-" + series.sink + "-" + hex(series.token, kTokenDigits) + "-" +
         std::to_string(series.subtask) + "-" + digits;
}

std::string hidden_name(std::string_view name) {
  return "." + std::string(name) + std::string(kHiddenSuffix);
}

bool is_hidden_part(std::string_view name, std::string_view sink) {
  return name.starts_with(".part-" + std::string(sink) + "-") && name.ends_with(kHiddenSuffix);
}

std::string EpochHandle::file_name(std::size_t index) const {
  return ends.size() == 1 ? name + extension : name + "-" + std::to_string(index + 1) + extension;
}

std::string encode_epoch_handle(const EpochHandle& handle) {
  std::string text = "1\n" + handle.name + "\n" + handle.extension + "\n";
  for (std::size_t i = 0; i < handle.ends.size(); ++i)
    text += (i == 0 ? "" : ",") + std::to_string(handle.ends[i]);
  return text;
}

Result<EpochHandle> decode_epoch_handle(std::string_view text) {
  const Error wrong{ErrorCode::kCorrupt, "epoch '" + std::string(text.substr(0, 120)) +
                                             "' was not written by the filesystem connector"};
  if (take_line(text) != "1") return wrong;
  EpochHandle handle;
  handle.name = take_line(text);
  handle.extension = take_line(text);
  if (!handle.name.starts_with("part-") || handle.name.find('/') != std::string::npos ||
      handle.extension.find('/') != std::string::npos)
    return wrong;
  while (true) {
    std::uint64_t end = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), end);
    if (parsed.ec != std::errc() || end <= (handle.ends.empty() ? 0 : handle.ends.back()))
      return wrong;
    handle.ends.push_back(end);
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    if (text.empty()) return handle;
    if (text.front() != ',') return wrong;
    text.remove_prefix(1);
  }
}

}  // namespace slipstream::filesystem_connector
