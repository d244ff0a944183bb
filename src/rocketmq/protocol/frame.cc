#include "rocketmq/protocol/frame.h"

#include <array>
#include <charconv>

#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/protocol/tolerant_json.h"

namespace slipstream::rocketmq {

namespace {

constexpr std::array<std::string_view, 14> kLanguageNames = {
    "JAVA",  "CPP",  "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY",
    "OTHER", "HTTP", "GO",     "PHP",    "OMS",    "RUST",   "NODE_JS"};
constexpr std::size_t kKeyBytesMax = 32767;  // of a binary header: signed 16 bits
constexpr std::size_t kHeaderBytesMax = (1U << 24U) - 1;

Language language_of(std::string_view name) {
  for (std::size_t i = 0; i < kLanguageNames.size(); ++i) {
    if (kLanguageNames[i] == name) return static_cast<Language>(i);
  }
  return Language::kOther;
}

// Room for the fields of a pull or a send, so that a header is made without growing.
constexpr std::size_t kExtFieldsUsual = 16;
constexpr std::size_t kExtBytesUsual = 256;
constexpr std::size_t kJsonBytesPerField = 6;  // quotes, colon, comma
constexpr std::size_t kJsonBytesBeside = 160;

using Digits = std::array<char, 24>;

std::string_view digits_of(std::int64_t value, Digits& digits) {
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), static_cast<std::size_t>(end - digits.data())};
}

void append_number(std::int64_t value, std::string& out) {
  Digits digits;
  out.append(digits_of(value, digits));
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void append_json_header(const FrameHeader& header, std::string& out) {
  out.reserve(out.size() + kJsonBytesBeside + header.remark.size() + header.ext.text_bytes() +
              header.ext.size() * kJsonBytesPerField);
  out.append(R"({"code":)");
  append_number(header.code, out);
  out.append(R"(,"extFields":{)");
  for (std::size_t i = 0; i < header.ext.size(); ++i) {
    if (i != 0) out.push_back(',');
    append_json_string(header.ext.key(i), out);
    out.push_back(':');
    append_json_string(header.ext.value(i), out);
  }
  out.append(R"(},"flag":)");
  append_number(header.flag, out);
  out.append(R"(,"language":")");
  out.append(kLanguageNames[static_cast<std::size_t>(header.language)]);
  out.append(R"(","opaque":)");
  append_number(header.opaque, out);
  if (!header.remark.empty()) {
    out.append(R"(,"remark":)");
    append_json_string(header.remark, out);
  }
  out.append(R"(,"version":)");
  append_number(header.version, out);
  out.push_back('}');
}

Status append_binary_header(const FrameHeader& header, std::string& out) {
  if (header.code > 32767 || header.code < -32768) {
    return Error{ErrorCode::kUnsupported,
                 "request code " + std::to_string(header.code) +
                     " does not fit a binary header: send it with a JSON header"};
  }
  ByteWriter writer(out);
  writer.i16(static_cast<std::int16_t>(header.code));
  writer.u8(static_cast<std::uint8_t>(header.language));
  writer.i16(static_cast<std::int16_t>(header.version));
  writer.i32(header.opaque);
  writer.i32(header.flag);
  writer.u32(static_cast<std::uint32_t>(header.remark.size()));
  writer.text(header.remark);
  const std::size_t length_at = writer.size();
  writer.u32(0);
  for (std::size_t i = 0; i < header.ext.size(); ++i) {
    const std::string_view key = header.ext.key(i);
    const std::string_view value = header.ext.value(i);
    if (key.size() > kKeyBytesMax) {
      return Error{ErrorCode::kInvalidArgument, "name of an ext field above 32767 bytes"};
    }
    writer.u16(static_cast<std::uint16_t>(key.size()));
    writer.text(key);
    writer.u32(static_cast<std::uint32_t>(value.size()));
    writer.text(value);
  }
  writer.patch_u32(length_at, static_cast<std::uint32_t>(writer.size() - length_at - 4));
  return {};
}

Result<FrameHeader> decode_binary_header(std::span<const std::uint8_t> bytes) {
  ByteReader reader(bytes);
  FrameHeader header;
  header.code = reader.i16();
  const std::uint8_t language = reader.u8();
  header.language =
      language < kLanguageNames.size() ? static_cast<Language>(language) : Language::kOther;
  header.version = reader.i16();
  header.opaque = reader.i32();
  header.flag = reader.i32();
  header.remark = reader.text(reader.u32());
  ByteReader entries(reader.bytes(reader.u32()));
  if (!reader.ok()) return Error{ErrorCode::kCorrupt, "binary frame header cut short"};
  while (entries.remaining() != 0) {
    const std::uint16_t key_size = entries.u16();
    if (key_size > kKeyBytesMax) entries.fail();
    const std::string_view key = entries.text(key_size);
    const std::string_view value = entries.text(entries.u32());
    if (!entries.ok())
      return Error{ErrorCode::kCorrupt, "ext field of a binary frame header cut short"};
    header.ext.add(key, value);
  }
  return header;
}

// A member's value as text: strings decoded, numbers and booleans as written, null as nothing.
bool scalar_text(JsonScanner& scanner, std::string& out) {
  out.clear();
  const char next = scanner.peek();
  if (next == '"') {
    scanner.string(out);
    return true;
  }
  if (next == '{' || next == '[') {
    scanner.skip_value(1);
    return false;
  }
  const std::string_view bare = scanner.bare();
  if (bare == "null") return false;
  out.assign(bare);
  return true;
}

void read_ext_fields(JsonScanner& scanner, ExtFields& ext) {
  if (scanner.peek() != '{') {
    scanner.skip_value(1);
    return;
  }
  scanner.expect('{');
  if (scanner.accept('}')) return;
  std::string key;
  std::string value;
  do {
    if (!scalar_text(scanner, key)) scanner.fail();
    scanner.expect(':');
    if (scalar_text(scanner, value) && !scanner.failed()) ext.add(key, value);
  } while (!scanner.failed() && scanner.accept(','));
  scanner.expect('}');
}

// False: a number that does not fit.
bool read_header_field(JsonScanner& scanner, std::string_view key, FrameHeader& header) {
  constexpr std::pair<std::string_view, std::int32_t FrameHeader::*> kNumbers[] = {
      {"code", &FrameHeader::code},
      {"opaque", &FrameHeader::opaque},
      {"flag", &FrameHeader::flag},
      {"version", &FrameHeader::version}};
  std::string value;
  for (const auto& [name, member] : kNumbers) {
    if (key != name) continue;
    scalar_text(scanner, value);
    const std::optional<std::int64_t> number = parse_number(value);
    if (!number || *number < INT32_MIN || *number > INT32_MAX) return false;
    header.*member = static_cast<std::int32_t>(*number);
    return true;
  }
  if (key == "language") {
    if (scalar_text(scanner, value)) header.language = language_of(value);
  } else if (key == "remark") {
    scalar_text(scanner, header.remark);
  } else if (key == "extFields") {
    read_ext_fields(scanner, header.ext);
  } else {
    scanner.skip_value(1);
  }
  return true;
}

Result<FrameHeader> decode_json_header(std::string_view text) {
  JsonScanner scanner(text);
  FrameHeader header;
  std::string key;
  bool numbers_fit = true;
  scanner.expect('{');
  if (!scanner.accept('}')) {
    do {
      if (!scalar_text(scanner, key)) scanner.fail();
      scanner.expect(':');
      if (scanner.failed()) break;
      numbers_fit = read_header_field(scanner, key, header) && numbers_fit;
    } while (!scanner.failed() && scanner.accept(','));
    scanner.expect('}');
  }
  if (scanner.failed()) {
    return Error{ErrorCode::kCorrupt,
                 "JSON frame header is malformed at byte " + std::to_string(scanner.position())};
  }
  if (!numbers_fit)
    return Error{ErrorCode::kCorrupt, "a number of a JSON frame header does not fit 32 bits"};
  return header;
}

}  // namespace

void ExtFields::add(std::string_view key, std::string_view text) {
  if (entries_.empty()) {
    entries_.reserve(kExtFieldsUsual);
    text_.reserve(kExtBytesUsual);
  }
  Entry entry;
  entry.begin = static_cast<std::uint32_t>(text_.size());
  entry.key_size = static_cast<std::uint32_t>(key.size());
  entry.value_size = static_cast<std::uint32_t>(text.size());
  text_.append(key).append(text);
  entries_.push_back(entry);
}

void ExtFields::add_number(std::string_view key, std::int64_t value) {
  Digits digits;
  add(key, digits_of(value, digits));
}

void ExtFields::add_flag(std::string_view key, bool value) { add(key, value ? "true" : "false"); }

std::string_view ExtFields::key(std::size_t index) const {
  const Entry& entry = entries_[index];
  return std::string_view(text_).substr(entry.begin, entry.key_size);
}

std::string_view ExtFields::value(std::size_t index) const {
  const Entry& entry = entries_[index];
  return std::string_view(text_).substr(entry.begin + entry.key_size, entry.value_size);
}

std::optional<std::string_view> ExtFields::find(std::string_view key) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (this->key(i) == key) return value(i);
  }
  return std::nullopt;
}

std::optional<std::int64_t> ExtFields::find_number(std::string_view key) const {
  const std::optional<std::string_view> text = find(key);
  return text ? parse_number(*text) : std::nullopt;
}

std::optional<bool> ExtFields::find_flag(std::string_view key) const {
  const std::optional<std::string_view> text = find(key);
  if (!text) return std::nullopt;
  return *text == "true";
}

Command make_answer(const FrameHeader& request, std::int32_t code, std::string remark) {
  Command answer;
  answer.header.code = code;
  answer.header.opaque = request.opaque;
  answer.header.flag = request.flag | kResponseFlag;
  answer.header.remark = std::move(remark);
  return answer;
}

Result<std::string> encode_frame_head(const FrameHeader& header, std::size_t body_size,
                                      HeaderType type) {
  std::string out(8, '\0');
  if (type == HeaderType::kJson) {
    append_json_header(header, out);
  } else {
    TRY(append_binary_header(header, out));
  }
  const std::size_t header_size = out.size() - 8;
  const std::size_t frame_size = out.size() + body_size;
  if (header_size > kHeaderBytesMax || frame_size > kFrameBytesMax || body_size > kFrameBytesMax) {
    return Error{ErrorCode::kResourceExhausted, "a frame of " + std::to_string(frame_size) +
                                                    " bytes is above the protocol's limit of " +
                                                    std::to_string(kFrameBytesMax) +
                                                    ": send less at once"};
  }
  ByteWriter writer(out);
  writer.patch_u32(0, static_cast<std::uint32_t>(frame_size - 4));
  writer.patch_u32(
      4, (static_cast<std::uint32_t>(type) << 24U) | static_cast<std::uint32_t>(header_size));
  return out;
}

Result<std::string> encode_frame(const Command& command, HeaderType type) {
  TRY_ASSIGN(std::string frame, encode_frame_head(command.header, command.body.size(), type));
  frame.append(command.body);
  return frame;
}

Result<FrameHeader> decode_header(std::span<const std::uint8_t> bytes, HeaderType type) {
  return type == HeaderType::kJson ? decode_json_header(as_text(bytes))
                                   : decode_binary_header(bytes);
}

}  // namespace slipstream::rocketmq
