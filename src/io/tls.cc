#include "io/tls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/try.h"

namespace slipstream::io {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<SSL_free>>;

Error bad(const std::string& text) { return Error{ErrorCode::kInvalidArgument, "TLS: " + text}; }

// The library's newest reason; empties its queue.
std::string reason() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* name = ERR_reason_error_string(code);
    text = name == nullptr ? "error " + std::to_string(code) : std::string(name);
  }
  return text.empty() ? "unknown error" : text;
}

Status check_readable(const std::string& file, const char* what) {
  if (::access(file.c_str(), R_OK) == 0) return {};
  return bad("cannot read the " + std::string(what) + " '" + file + "': " + std::strerror(errno));
}

// Without it the library would ask on the terminal.
int give_password(char* buffer, int size, int, void* password) {
  const auto* text = static_cast<const std::string*>(password);
  if (text == nullptr || text->empty() || text->size() > static_cast<std::size_t>(size)) return 0;
  text->copy(buffer, text->size());
  return static_cast<int>(text->size());
}

Status load_authorities(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.check == TlsCheck::kNothing) return {};
  if (settings.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
    return {};
  }
  TRY(check_readable(settings.ca_file, "authorities (tls.ca-file)"));
  if (SSL_CTX_load_verify_locations(context, settings.ca_file.c_str(), nullptr) == 1) return {};
  return bad("the authorities (tls.ca-file) '" + settings.ca_file +
             "' are no PEM certificates: " + reason());
}

Status load_own_certificate(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.cert_file.empty()) {
    if (settings.key_file.empty()) return {};
    return bad("a private key (tls.key-file) is given, but no certificate (tls.cert-file)");
  }
  const std::string& key = settings.key_file.empty() ? settings.cert_file : settings.key_file;
  TRY(check_readable(settings.cert_file, "certificate (tls.cert-file)"));
  TRY(check_readable(key, "private key (tls.key-file)"));
  if (SSL_CTX_use_certificate_chain_file(context, settings.cert_file.c_str()) != 1) {
    return bad("the certificate (tls.cert-file) '" + settings.cert_file +
               "' is no PEM certificate: " + reason());
  }
  SSL_CTX_set_default_passwd_cb(context, give_password);
  SSL_CTX_set_default_passwd_cb_userdata(
      context, const_cast<std::string*>(&settings.key_password));  // only read
  const bool loaded = SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (!loaded) {
    return bad("the private key (tls.key-file) '" + key + "' cannot be used: " + reason() +
               (settings.key_password.empty() ? "; does it need tls.key-password?"
                                              : "; is tls.key-password right?"));
  }
  if (SSL_CTX_check_private_key(context) == 1) return {};
  return bad("the private key '" + key + "' does not belong to the certificate '" +
             settings.cert_file + "': " + reason());
}

// What the check of a server's certificate stumbled over.
struct Refusal {
  int code = X509_V_OK;
  std::string subject;
  std::string not_after;
};

std::string text_of(const X509_NAME* name) {
  std::array<char, 256> text{};
  X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
  return text.data();
}

std::string text_of(const ASN1_TIME* time) {
  BIO* out = BIO_new(BIO_s_mem());
  ASN1_TIME_print(out, time);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<std::size_t>(std::max(size, 0L)));
  BIO_free(out);
  return text;
}

int note_refusal(int accepted, X509_STORE_CTX* store) {
  if (accepted == 1) return 1;
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* refusal = static_cast<Refusal*>(SSL_get_app_data(ssl));
  refusal->code = X509_STORE_CTX_get_error(store);
  if (const X509* certificate = X509_STORE_CTX_get_current_cert(store)) {
    refusal->subject = text_of(X509_get_subject_name(certificate));
    refusal->not_after = text_of(X509_get0_notAfter(certificate));
  }
  return 0;
}

std::string explain(const Refusal& refusal, const std::string& host) {
  switch (refusal.code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "expired on " + refusal.not_after + "; renew it on the server";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "is not valid yet; check the clocks of both sides";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "is not for '" + host +
             "'; connect by a name that it is for, give that name as tls.server-name, or check "
             "the authority only with tls.verify = ca";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "is not signed by a trusted authority (" +
             std::string(X509_verify_cert_error_string(refusal.code)) +
             "); name the file of that authority as tls.ca-file";
    default:
      return std::string("is refused: ") + X509_verify_cert_error_string(refusal.code);
  }
}

bool is_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  if (address == nullptr) {
    ERR_clear_error();
    return false;
  }
  ASN1_OCTET_STRING_free(address);
  return true;
}

bool is_about_our_certificate(int reason_code) {
  switch (reason_code) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      return true;
    default:
      return false;
  }
}

bool is_no_tls(int reason_code) {
  return reason_code == SSL_R_WRONG_VERSION_NUMBER || reason_code == SSL_R_HTTP_REQUEST;
}

}  // namespace

struct TlsContext::State {
  ContextPtr context;
  TlsSettings settings;
};

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const TlsSettings& settings) {
  ERR_clear_error();
  auto state = std::make_unique<State>();
  state->settings = settings;
  state->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = state->context.get();
  if (context == nullptr) return bad("the library does not start: " + reason());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  TRY(load_authorities(context, settings));
  TRY(load_own_certificate(context, settings));
  state->settings.key_password.clear();
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(state)));
}

struct TlsSession::State {
  std::shared_ptr<const TlsContext> context;
  std::string name;  // what the certificate must be for
  std::string peer;
  Refusal refusal;
  SslPtr ssl;
  BIO* incoming = nullptr;  // of ssl
  BIO* outgoing = nullptr;  // of ssl
  Status failure;

  // What SSL_get_error() says about `result`: fine (nothing to do before more is received), or the
  // failure.
  Status judge(int result, const char* doing) {
    if (!failure.ok()) return failure;
    const int kind = SSL_get_error(ssl.get(), result);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return {};
    failure = why(kind, doing);
    return failure;
  }

  Error why(int kind, const char* doing) const {
    const std::string place = std::string("TLS ") + doing + " " + peer + ": ";
    if (kind == SSL_ERROR_ZERO_RETURN) {
      return Error::retry(ErrorCode::kUnavailable, place + "closed by the server");
    }
    if (refusal.code != X509_V_OK) {
      ERR_clear_error();
      return Error{
          ErrorCode::kPermissionDenied,
          place + "the server's certificate (" + refusal.subject + ") " + explain(refusal, name)};
    }
    const int code = ERR_GET_REASON(ERR_peek_last_error());
    const std::string text = reason();
    if (is_about_our_certificate(code)) {
      return Error{ErrorCode::kPermissionDenied,
                   place + "the server refuses this client's certificate (" + text +
                       "); give one that it trusts and that has not expired as tls.cert-file and "
                       "tls.key-file"};
    }
    if (is_no_tls(code)) {
      return Error{ErrorCode::kInvalidArgument,
                   place + "the server does not speak TLS here (" + text +
                       "); switch TLS off, or on in the server (tls.server.mode)"};
    }
    return Error::retry(ErrorCode::kUnavailable, place + text);
  }
};

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context, const std::string& host,
                       std::string peer)
    : state_(std::make_unique<State>()) {
  State& state = *state_;
  const TlsSettings& settings = context->state_->settings;
  state.name = settings.server_name.empty() ? host : settings.server_name;
  state.peer = std::move(peer);
  state.ssl.reset(SSL_new(context->state_->context.get()));
  CHECK(state.ssl != nullptr);
  SSL* ssl = state.ssl.get();
  state.context = std::move(context);
  state.incoming = BIO_new(BIO_s_mem());
  state.outgoing = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(state.incoming, -1);
  SSL_set_bio(ssl, state.incoming, state.outgoing);
  SSL_set_connect_state(ssl);
  SSL_set_app_data(ssl, &state.refusal);
  const bool literal = is_address(state.name);
  if (!literal) SSL_set_tlsext_host_name(ssl, state.name.c_str());
  if (settings.check == TlsCheck::kNothing) {
    SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
    return;
  }
  SSL_set_verify(ssl, SSL_VERIFY_PEER, note_refusal);
  if (settings.check != TlsCheck::kHostName) return;
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  CHECK((literal ? X509_VERIFY_PARAM_set1_ip_asc(wanted, state.name.c_str())
                 : X509_VERIFY_PARAM_set1_host(wanted, state.name.data(), state.name.size())) == 1);
}

TlsSession::~TlsSession() = default;

Result<bool> TlsSession::handshake() {
  ERR_clear_error();
  if (!state_->failure.ok()) return state_->failure;
  const int result = SSL_do_handshake(state_->ssl.get());
  if (result == 1) return true;
  TRY(state_->judge(result, "handshake with"));
  return false;
}

void TlsSession::received(std::span<const std::uint8_t> encrypted) {
  BIO_write(state_->incoming, encrypted.data(), static_cast<int>(encrypted.size()));
}

Result<std::size_t> TlsSession::read(std::span<std::uint8_t> space) {
  ERR_clear_error();
  if (!state_->failure.ok()) return state_->failure;
  std::size_t count = 0;
  const int result = SSL_read_ex(state_->ssl.get(), space.data(), space.size(), &count);
  if (result == 1) return count;
  TRY(state_->judge(result, "connection to"));
  return std::size_t{0};
}

Status TlsSession::write(std::string_view plain) {
  ERR_clear_error();
  if (plain.empty() || !state_->failure.ok()) return state_->failure;
  std::size_t count = 0;
  const int result = SSL_write_ex(state_->ssl.get(), plain.data(), plain.size(), &count);
  return result == 1 ? Status() : state_->judge(result, "connection to");
}

bool TlsSession::has_outgoing() const { return BIO_pending(state_->outgoing) > 0; }

std::string TlsSession::take_outgoing() {
  std::string bytes(BIO_ctrl_pending(state_->outgoing), '\0');
  if (!bytes.empty()) BIO_read(state_->outgoing, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

}  // namespace slipstream::io
