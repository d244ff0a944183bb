#include "format/charset.h"

#include <array>
#include <cerrno>

#include <iconv.h>
#include <simdjson.h>

namespace slipstream::format {

namespace {

const iconv_t kNone = reinterpret_cast<iconv_t>(-1);  // NOLINT: iconv's own failure value

std::string upper(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

class Conversion {
 public:
  Conversion(const std::string& to, const std::string& from)
      : handle_(iconv_open(to.c_str(), from.c_str())) {}
  ~Conversion() {
    if (handle_ != kNone) iconv_close(handle_);
  }
  Conversion(const Conversion&) = delete;
  Conversion& operator=(const Conversion&) = delete;

  bool ok() const { return handle_ != kNone; }

  bool convert(std::string_view text, std::string& out) {
    iconv(handle_, nullptr, nullptr, nullptr, nullptr);
    char* from = const_cast<char*>(text.data());  // NOLINT: iconv does not write there
    std::size_t left = text.size();
    std::array<char, 4096> piece;
    while (left != 0) {
      char* to = piece.data();
      std::size_t room = piece.size();
      const std::size_t left_before = left;
      const std::size_t result = iconv(handle_, &from, &left, &to, &room);
      out.append(piece.data(), piece.size() - room);
      const bool progress = left != left_before;
      if (result == static_cast<std::size_t>(-1) && (errno != E2BIG || !progress)) return false;
    }
    return true;
  }

 private:
  iconv_t handle_;
};

}  // namespace

struct Charset::Conversions {
  Conversions(const std::string& name) : decode("UTF-8", name), encode(name, "UTF-8") {}  // NOLINT
  Conversion decode;
  Conversion encode;
};

Charset::Charset() = default;
Charset::Charset(Charset&&) noexcept = default;
Charset& Charset::operator=(Charset&&) noexcept = default;
Charset::~Charset() = default;

Result<Charset> Charset::open(std::string_view name) {
  Charset charset;
  charset.name_ = upper(name);
  if (charset.name_ == "UTF-8" || charset.name_ == "UTF8") return charset;
  // UTF-16 means big endian with a mark, as in Java; the system's would be little endian.
  charset.conversions_ =
      std::make_unique<Conversions>(charset.name_ == "UTF-16" ? "UTF-16BE" : charset.name_);
  if (name.empty() || !charset.conversions_->decode.ok() || !charset.conversions_->encode.ok()) {
    return Error{ErrorCode::kInvalidArgument,
                 "unknown encoding '" + std::string(name) +
                     "': known are UTF-8, UTF-16, GBK, ISO-8859-1 and those of `iconv -l`"};
  }
  return charset;
}

bool Charset::decode(std::string_view bytes, std::string& out) {
  if (is_utf8()) return simdjson::validate_utf8(bytes.data(), bytes.size());
  if (name_ == "UTF-16") {
    if (bytes.substr(0, 2) == "\xFF\xFE") {
      Conversion little_endian("UTF-8", "UTF-16LE");
      return little_endian.ok() && little_endian.convert(bytes.substr(2), out);
    }
    if (bytes.substr(0, 2) == "\xFE\xFF") bytes.remove_prefix(2);
  }
  return conversions_->decode.convert(bytes, out);
}

bool Charset::encode(std::string_view utf8, std::string& out) {
  if (is_utf8()) {
    out += utf8;
    return true;
  }
  if (name_ == "UTF-16") out += "\xFE\xFF";
  return conversions_->encode.convert(utf8, out);
}

}  // namespace slipstream::format
