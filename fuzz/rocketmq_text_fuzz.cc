// Small texts and files of the client: addresses, lists, credentials, offsets of a broadcasting
// member. What was read is written so that it reads back the same.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "slipstream/rocketmq/security.h"

#include "base/bytes.h"
#include "base/try.h"
#include "file_with.h"
#include "io/net.h"
#include "rocketmq/client/client_core.h"
#include "rocketmq/client/offset_file.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"
#include "rocketmq/protocol/responses.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void read_addresses(std::string_view text) {
  const auto endpoint = io::Endpoint::parse(text);
  if (endpoint.ok()) CHECK(*io::Endpoint::parse(endpoint->to_string()) == *endpoint);
  static_cast<void>(rocketmq::parse_address(text));
  const auto servers = rocketmq::internal::parse_name_servers(text);
  CHECK(!servers.ok() || !servers->empty());
}

void read_names(std::string_view text) {
  for (const std::string& topic : rocketmq::parse_topic_list(text)) CHECK(!topic.empty());
  const auto keys = rocketmq::split_keys(text);
  CHECK(rocketmq::split_keys(rocketmq::joined_keys(keys)) == keys);
  CHECK(!rocketmq::validate_writable_topic(text).ok() || rocketmq::validate_topic(text).ok());
  static_cast<void>(rocketmq::validate_group(text));
  static_cast<void>(rocketmq::is_unique_key_form(text));
  static_cast<void>(rocketmq::parse_tls_verify(std::string(text)));
}

// A name of this process: several may run.
const std::string& written_file() {
  static const std::string path =
      std::filesystem::temp_directory_path() / ("fuzz-offsets-" + std::to_string(::getpid()));
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  read_addresses(text);
  read_names(text);
  const fuzz::FileWith file(data, size);
  const auto credentials = rocketmq::read_credentials_file(file.path());
  CHECK(!credentials.ok() ||
        (!credentials->access_key.empty() && !credentials->secret_key.empty()));
  const auto offsets = rocketmq::internal::read_offset_file(file.path());
  if (offsets.ok()) {
    CHECK(rocketmq::internal::write_offset_file(written_file(), *offsets).ok());
    const auto again = rocketmq::internal::read_offset_file(written_file());
    std::filesystem::remove(written_file());
    CHECK(again.ok() && *again == *offsets);
  }
  return 0;
}
