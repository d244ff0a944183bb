// Values that statements name instead of holding them: 'accessKey' = '${secret_values.ak_secret}'.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream {

// Where such values come from: a file, else the environment (SLIPSTREAM_SECRET_NAME).
//
// Owner:   the caller; a copy is a value of its own.
// Thread:  any, once made.
// Failure: messages name a secret, never its value.
class SecretValues {
 public:
  SecretValues() = default;  // of the environment only
  // Lines NAME=value; empty ones and those that begin with '#' are passed over. kInvalidArgument: a
  // line that is neither, a name twice. kPermissionDenied: others than its owner and group can read
  // the file.
  static Result<SecretValues> read(const std::string& path);

  // Whether the text names a secret, known or not.
  static bool is_named_in(std::string_view text);
  // The text with values in the place of references. What was put in is hidden from logs of the
  // process from now on (hide_secret_values). kNotFound names the first unknown name.
  Result<std::string> put_into(std::string_view text) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// The text with '${secret_values.NAME}' for each value that was put into a text of this process. One
// with less than four bytes is left: it would be found everywhere.
// Thread: any.
std::string hide_secret_values(std::string text);

}  // namespace slipstream
