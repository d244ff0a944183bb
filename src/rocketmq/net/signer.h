// Signs the requests of one client, with credentials that may change under it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "slipstream/rocketmq/security.h"

#include "rocketmq/protocol/frame.h"

namespace slipstream::rocketmq {

// Owner:  the client core and its channels (shared).
// Thread: make() any; everything else loop.
class Signer {
 public:
  // Reads the credentials file when there is one.
  static Result<std::shared_ptr<Signer>> make(const Security& security);

  // Without credentials: nothing is added.
  void sign(FrameHeader& header, std::string_view body) const;
  // Whether credentials can change while connected.
  bool from_file() const { return !file_.empty(); }
  // Counts changes of the credentials; what was signed under an older number may be refused.
  std::uint64_t generation() const { return generation_; }
  // Reads the file again; keeps the old credentials, and says so in the log, when it cannot be
  // read.
  void reload();
  // What to do about a refusal with this remark; names no key.
  std::string advice(std::string_view remark) const;

 private:
  explicit Signer(const Security& security)
      : credentials_(security.credentials), file_(security.credentials_file) {}

  Credentials credentials_;
  const std::string file_;
  std::uint64_t generation_ = 1;
};

}  // namespace slipstream::rocketmq
