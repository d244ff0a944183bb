#include "server/token_file.h"

#include <utility>

#include "io/files.h"

namespace slipstream::server {
namespace {

constexpr std::size_t kTokenBytesMin = 16;

}  // namespace

Result<std::string> read_token(const std::string& file) {
  auto content = io::read_file(file);
  if (!content.ok()) return content.error().with_context("the token");
  std::string token = *std::move(content);
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (token.size() >= kTokenBytesMin) return token;
  return Error{ErrorCode::kInvalidArgument,
               "the token in '" + file + "' is shorter than " + std::to_string(kTokenBytesMin) +
                   " characters; make one with: openssl rand -hex 32 > " + file};
}

}  // namespace slipstream::server
