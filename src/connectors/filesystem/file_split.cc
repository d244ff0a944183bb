#include "connectors/filesystem/file_split.h"

#include <charconv>

namespace slipstream::filesystem_connector {
namespace {

// "1,2,3": takes one number and the comma in front of it.
template <typename T>
bool take_number(std::string_view& text, T& value) {
  if (!text.starts_with(',')) return false;
  text.remove_prefix(1);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return true;
}

}  // namespace

Split encode_split(const FileSplit& split) {
  std::string state = "1";
  for (const std::uint64_t number : {split.offset, split.end, split.line})
    state += "," + std::to_string(number);
  state += "," + std::to_string(split.modified_ms);
  for (const std::uint64_t number : {split.head, split.tail}) state += "," + std::to_string(number);
  return Split{split.name, std::move(state)};
}

Result<FileSplit> decode_split(const Split& split) {
  FileSplit file;
  file.name = split.id;
  std::string_view rest = split.state;
  const bool known = rest.starts_with("1,");
  if (known) rest.remove_prefix(1);
  if (!known || !take_number(rest, file.offset) || !take_number(rest, file.end) ||
      !take_number(rest, file.line) || !take_number(rest, file.modified_ms) ||
      !take_number(rest, file.head) || !take_number(rest, file.tail) || !rest.empty() ||
      file.offset > file.end || file.name.empty()) {
    return Error{ErrorCode::kCorrupt, "split '" + split.id + "' with state '" + split.state +
                                          "' was not written by the filesystem connector"};
  }
  return file;
}

std::string encode_known_files(const std::set<std::string>& names) {
  std::string text = "1";
  for (const std::string& name : names) text += "\n" + name;
  return text;
}

Result<std::set<std::string>> decode_known_files(std::string_view text) {
  if (text != "1" && !text.starts_with("1\n")) {
    return Error{ErrorCode::kCorrupt,
                 "state of a filesystem source that this version does not know: '" +
                     std::string(text.substr(0, 40)) + "'"};
  }
  std::set<std::string> names;
  text.remove_prefix(1);
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::size_t end = std::min(text.find('\n'), text.size());
    names.emplace(text.substr(0, end));
    text.remove_prefix(end);
  }
  return names;
}

std::uint64_t fingerprint(std::string_view bytes) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;  // FNV-1a
  for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 1'099'511'628'211ULL;
  return hash;
}

}  // namespace slipstream::filesystem_connector
