#include "rocketmq/protocol/signature.h"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/bytes.h"
#include "base/try.h"

namespace slipstream::rocketmq {
namespace {

constexpr std::string_view kSignature = "Signature";

// Servers leave this one out for clients of version 399 and below.
bool is_signed(std::string_view key) { return key != kSignature && key != "_UNIQUE_KEY_QUERY"; }

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using Mac = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

Mac make_mac() {
  EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  CHECK(algorithm != nullptr);
  Mac mac(EVP_MAC_CTX_new(algorithm));
  EVP_MAC_free(algorithm);
  char digest[] = "SHA1";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  CHECK(mac != nullptr && EVP_MAC_CTX_set_params(mac.get(), parameters) == 1);
  return mac;
}

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string text((size + 2) / 3 * 4 + 1, '\0');  // one more: the function ends it with a zero
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace

std::string signature_of(const FrameHeader& header, std::string_view body,
                         std::string_view secret_key) {
  std::vector<std::size_t> order;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < header.ext.size(); ++i) {
    if (!is_signed(header.ext.key(i))) continue;
    order.push_back(i);
    bytes += header.ext.value(i).size();
  }
  std::sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
    return header.ext.key(left) < header.ext.key(right);
  });
  std::string text;
  text.reserve(bytes);
  for (const std::size_t index : order) text.append(header.ext.value(index));
  // Finding the algorithm takes longer than a signature.
  static thread_local const Mac kMac = make_mac();
  EVP_MAC_CTX* mac = kMac.get();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  CHECK(EVP_MAC_init(mac, as_bytes(secret_key).data(), secret_key.size(), nullptr) == 1);
  CHECK(EVP_MAC_update(mac, as_bytes(text).data(), text.size()) == 1);
  CHECK(EVP_MAC_update(mac, as_bytes(body).data(), body.size()) == 1);
  CHECK(EVP_MAC_final(mac, digest.data(), &size, digest.size()) == 1);
  return base64(digest.data(), size);
}

void sign(const Credentials& credentials, FrameHeader& header, std::string_view body) {
  header.ext.add("AccessKey", credentials.access_key);
  if (!credentials.security_token.empty())
    header.ext.add("SecurityToken", credentials.security_token);
  header.ext.add(kSignature, signature_of(header, body, credentials.secret_key));
}

}  // namespace slipstream::rocketmq
