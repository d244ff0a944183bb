// MD5, SHA1, SHA2 and its kin, base64, UUID.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <openssl/evp.h>

#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void append_digest(std::string_view text, const EVP_MD* algorithm, EVP_MD_CTX* context,
                   std::string& out) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_DigestInit_ex(context, algorithm, nullptr);
  EVP_DigestUpdate(context, text.data(), text.size());
  EVP_DigestFinal_ex(context, digest.data(), &size);
  for (unsigned i = 0; i < size; ++i) {
    out += kHex[digest[i] >> 4U];
    out += kHex[digest[i] & 15U];
  }
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Kernel digest_kernel(const EVP_MD* (*algorithm)()) {
  return [algorithm](KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
    TextResult result(type, ctx.rows());
    const DigestContext context(EVP_MD_CTX_new());
    std::string scratch;
    each_complete_row(ctx, args, result, [&](std::size_t row) {
      scratch.clear();
      append_digest(args[0]->text(row), algorithm(), context.get(), scratch);
      result.set(row, scratch);
    });
    return result.finish();
  };
}

const EVP_MD* sha2(std::int64_t bits) {
  switch (bits) {
    case 224:
      return EVP_sha224();
    case 256:
      return EVP_sha256();
    case 384:
      return EVP_sha384();
    case 512:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

constexpr const char* kWrongBits = "the number of bits must be 224, 256, 384 or 512";

Status check_bits(std::span<const ColumnPtr> constants) {
  const ColumnPtr& bits = constants[1];
  if (bits == nullptr || bits->is_null(0) || sha2(bits->data<std::int64_t>()[0]) != nullptr)
    return {};
  return Error{ErrorCode::kInvalidArgument, kWrongBits};
}

ColumnPtr sha2_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  const DigestContext context(EVP_MD_CTX_new());
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    const EVP_MD* algorithm = sha2(args[1]->data<std::int64_t>()[row]);
    if (algorithm == nullptr) {
      ctx.fail(row, kWrongBits);
      return result.set_null(row);
    }
    scratch.clear();
    append_digest(args[0]->text(row), algorithm, context.get(), scratch);
    result.set(row, scratch);
  });
  return result.finish();
}

// --- base64 ---

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void append_base64(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group =
          (group << 8U) | (at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U);
    }
    const std::size_t present = std::min<std::size_t>(3, text.size() - at);
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= present ? kAlphabet[(group >> (18U - 6U * static_cast<unsigned>(i))) & 63U] : '=';
    }
  }
}

// False for characters outside the alphabet, a wrong length and misplaced padding; padding may be
// left out.
bool append_decoded(std::string_view text, std::string& out) {
  while (text.ends_with('=') && text.size() % 4 == 0) {
    text.remove_suffix(1);
    if (text.ends_with('=')) text.remove_suffix(1);
    break;
  }
  if (text.size() % 4 == 1) return false;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return false;
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(static_cast<unsigned char>((bits >> held) & 0xFFU));
    }
  }
  return true;
}

ColumnPtr to_base64_kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  TextResult result(type, ctx.rows());
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    scratch.clear();
    append_base64(args[0]->text(row), scratch);
    result.set(row, scratch);
  });
  return result.finish();
}

ColumnPtr from_base64_kernel(KernelContext& ctx, std::span<const ColumnPtr> args,
                             const Type& type) {
  TextResult result(type, ctx.rows());
  std::string scratch;
  each_complete_row(ctx, args, result, [&](std::size_t row) {
    scratch.clear();
    if (!append_decoded(args[0]->text(row), scratch)) {
      ctx.fail(row, "the text is no base64");
      return result.set_null(row);
    }
    result.set(row, scratch);
  });
  return result.finish();
}

// Version 4, variant 1: 122 random bits.
ColumnPtr uuid_kernel(KernelContext& ctx, std::span<const ColumnPtr>, const Type& type) {
  TextResult result(type, ctx.rows());
  each_row(ctx, [&](std::size_t row) {
    const std::uint64_t high = (ctx.eval().random() & ~std::uint64_t{0xF000}) | 0x4000U;
    const std::uint64_t low = (ctx.eval().random() >> 2U) | (std::uint64_t{1} << 63U);
    char* const out = result.allocate(36);
    std::size_t at = 0;
    for (unsigned digit = 0; digit < 32; ++digit) {
      if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out[at++] = '-';
      const std::uint64_t half = digit < 16 ? high : low;
      out[at++] = kHex[(half >> (60U - 4U * (digit % 16))) & 15U];
    }
    result.set_view(row, std::string_view(out, 36));
  });
  return result.finish();
}

}  // namespace

void add_hashing(Functions& out) {
  struct Named {
    const char* name;
    const EVP_MD* (*algorithm)();
    int digits;
  };
  const Parameters one = {.accepts = {Accepts::kTextOrBytes},
                          .required = 1,
                          .variadic = false,
                          .result = Type::string()};
  for (const Named& named : {Named{"MD5", EVP_md5, 32}, Named{"SHA1", EVP_sha1, 40},
                             Named{"SHA224", EVP_sha224, 56}, Named{"SHA256", EVP_sha256, 64},
                             Named{"SHA384", EVP_sha384, 96}, Named{"SHA512", EVP_sha512, 128}}) {
    Parameters digest = one;
    digest.result = Type::character(named.digits);
    out.push_back(ordinary(named.name, std::string(named.name) + "(text)",
                           std::string("The ") + named.name + " digest in lower-case hexadecimal.",
                           digest, digest_kernel(named.algorithm)));
  }
  Parameters with_bits = one;
  with_bits.result = Type::varchar(128);
  with_bits.accepts.push_back(Accepts::kInteger);
  with_bits.required = 2;
  out.push_back(ordinary("SHA2", "SHA2(text, bits)",
                         "The SHA-2 digest of 224, 256, 384 or 512 bits.", with_bits, sha2_kernel));
  out.back().check = check_bits;
  out.push_back(
      ordinary("TO_BASE64", "TO_BASE64(text)", "Encoded as base64.", one, to_base64_kernel));
  out.push_back(ordinary("FROM_BASE64", "FROM_BASE64(text)", "Decoded from base64.", one,
                         from_base64_kernel));
  Function uuid;
  uuid.name = "UUID";
  uuid.usage = "UUID()";
  uuid.description = "A random UUID (version 4).";
  uuid.resolve = [](std::span<const Type> args) -> Result<Signature> {
    if (!args.empty()) return signature_error("UUID", args, "UUID()");
    return Signature{{}, Type::character(36).not_null()};
  };
  uuid.kernel = uuid_kernel;
  uuid.deterministic = false;
  out.push_back(std::move(uuid));
}

}  // namespace slipstream::expr
