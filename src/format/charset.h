// Text in other encodings than UTF-8.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::format {

// Converts between UTF-8 and one encoding, named as in Java or by the system ("GBK", "UTF-16",
// "ISO-8859-1").
//
// Thread:  one at a time.
// Failure: false for bytes that are none of the encoding, or a character that it lacks; nothing is
// replaced.
class Charset {
 public:
  // kInvalidArgument for an unknown name.
  static Result<Charset> open(std::string_view name);
  Charset(Charset&&) noexcept;
  Charset& operator=(Charset&&) noexcept;
  ~Charset();

  bool is_utf8() const { return conversions_ == nullptr; }
  // Checks only, for UTF-8: `out` stays untouched.
  bool decode(std::string_view bytes, std::string& out);
  bool encode(std::string_view utf8, std::string& out);  // appends

 private:
  struct Conversions;
  Charset();
  std::unique_ptr<Conversions> conversions_;
  std::string name_;
};

}  // namespace slipstream::format
