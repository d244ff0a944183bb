#include "rocketmq/net/signer.h"

#include <filesystem>
#include <utility>

#include "base/log.h"
#include "base/try.h"
#include "rocketmq/protocol/signature.h"

namespace slipstream::rocketmq {

namespace {

void warn_when_others_can_read(const std::string& file) {
  std::error_code ignored;
  const auto permissions = std::filesystem::status(file, ignored).permissions();
  if ((permissions & std::filesystem::perms::others_read) == std::filesystem::perms::none) return;
  log(LogLevel::kWarn, "rocketmq",
      "every user of this machine can read the credentials in '" + file + "'; chmod 600 it");
}

}  // namespace

Result<std::shared_ptr<Signer>> Signer::make(const Security& security) {
  std::shared_ptr<Signer> signer(new Signer(security));
  if (signer->from_file()) {
    TRY_ASSIGN(signer->credentials_, read_credentials_file(signer->file_));
    warn_when_others_can_read(signer->file_);
  } else if (signer->credentials_.access_key.empty() != signer->credentials_.secret_key.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 std::string(signer->credentials_.access_key.empty()
                                 ? "a secret key is given, but no access key"
                                 : "an access key is given, but no secret key") +
                     "; both are needed"};
  }
  return signer;
}

void Signer::sign(FrameHeader& header, std::string_view body) const {
  if (!credentials_.empty()) rocketmq::sign(credentials_, header, body);
}

void Signer::reload() {
  auto fresh = read_credentials_file(file_);
  if (!fresh.ok()) {
    log(LogLevel::kWarn, "rocketmq", "keeping the old credentials: " + fresh.error().message);
    return;
  }
  if (*fresh == credentials_) return;
  credentials_ = std::move(*fresh);
  ++generation_;
  log(LogLevel::kInfo, "rocketmq", "took new credentials from '" + file_ + "'");
}

std::string Signer::advice(std::string_view remark) const {
  if (credentials_.empty()) {
    return "no credentials are given: set accessKey and secretKey, a credentials file, or "
           "SLIPSTREAM_ACCESS_KEY and SLIPSTREAM_SECRET_KEY";
  }
  if (remark.find("permission") != std::string_view::npos)
    return "the credentials are right; grant this user the topic or the group";
  std::string text = "check the credentials";
  if (from_file()) text += " in '" + file_ + "'";
  if (!credentials_.security_token.empty()) text += " (a security token expires)";
  return text;
}

}  // namespace slipstream::rocketmq
