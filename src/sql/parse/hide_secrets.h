// SQL text as it may be shown and kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slipstream::sql {

// What stands for a secret, however long that is.
inline constexpr std::string_view kHidden = "***";

// Bytes [begin, end) of a text.
struct Secret {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The values of options that are secret by their name, without their quotes, ascending: secretKey,
// accessKey, securityToken, and whatever ends in password, secret or token, however it is spelled.
// One that is not finished goes to the end of the text. The name of a secret, '${secret_values.NAME}',
// is none.
std::vector<Secret> find_secrets(std::string_view sql);

// The text with kHidden for each of them: 'secretKey' = '***'.
std::string hide_secrets(std::string_view sql);

}  // namespace slipstream::sql
