// Certificates for tests, made on the spot.
#pragma once

#include <filesystem>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace slipstream::io::testing {

// A certificate and its key, in memory and as files NAME.pem and NAME.key.
//
// Owner:  a test; the files stay, with the number of the process in their names.
// Thread: one.
class Identity {
 public:
  Identity(const std::string& name, const Identity* issuer, const char* names, long from_days,
           long to_days)
      : name_(name), key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), from_days * kSecondsPerDay);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), to_days * kSecondsPerDay);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* subject = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    const Identity& by = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(certificate_, X509_get_subject_name(by.certificate_));
    add(NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
    if (names != nullptr) add(NID_subject_alt_name, names);
    X509_sign(certificate_, by.key_, EVP_sha256());
    certificate_file =
        write(name + ".pem", [&](BIO* out) { PEM_write_bio_X509(out, certificate_); });
    key_file = write(name + ".key", [&](BIO* out) {
      PEM_write_bio_PrivateKey(out, key_, nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  ~Identity() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  // The key once more, behind a password.
  std::string locked_key(const std::string& password) const {
    return write(name_ + "-locked.key", [&](BIO* out) {
      PEM_write_bio_PrivateKey(out, key_, EVP_aes_256_cbc(),
                               reinterpret_cast<const unsigned char*>(password.data()),
                               static_cast<int>(password.size()), nullptr, nullptr);
    });
  }

  std::string certificate_file;
  std::string key_file;

 private:
  void add(int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
    X509_add_ext(certificate_, extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <typename Write>
  static std::string write(const std::string& name, const Write& into) {
    std::string path = (std::filesystem::temp_directory_path() /
                        ("tls-" + std::to_string(::getpid()) + "-" + name))
                           .string();
    BIO* out = BIO_new_file(path.c_str(), "w");
    into(out);
    BIO_free(out);
    return path;
  }

  static constexpr long kSecondsPerDay = 86'400;
  static inline long serial = 0;
  const std::string name_;
  EVP_PKEY* key_;
  X509* certificate_;
};

}  // namespace slipstream::io::testing
