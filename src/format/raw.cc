#include <algorithm>
#include <array>
#include <bit>

#include "base/try.h"
#include "format/charset.h"
#include "format/formats.h"

namespace slipstream::format {

namespace {

bool is_raw_type(const Type& type) {
  return type.layout() == Layout::kString || type.kind() == TypeKind::kBoolean ||
         type.is_integer() || type.kind() == TypeKind::kFloat || type.kind() == TypeKind::kDouble;
}

Status check_schema(const Schema& schema) {
  if (schema.size() != 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "format 'raw' holds exactly one column, the table has " +
                     std::to_string(schema.size()) + ": " + schema.to_string()};
  }
  if (!is_raw_type(schema[0].type)) {
    return Error{ErrorCode::kUnsupported,
                 "column '" + schema[0].name + "': format 'raw' cannot hold " +
                     schema[0].type.to_string() +
                     ", only text, bytes, BOOLEAN, integers, FLOAT and DOUBLE"};
  }
  return {};
}

class RawDecoder final : public RowDecoder {
 public:
  RawDecoder(Charset charset, bool little_endian)
      : charset_(std::move(charset)), reversed_(!little_endian) {}

  void decode(const Bodies& bodies, DecodedRows& out) override {
    pin_text(out.columns, bodies.buffer);
    for (std::size_t i = 0; i < bodies.bodies.size(); ++i) {
      const std::string_view body = bodies.bodies[i];
      if (out.columns.empty() || append(body, bodies.buffer != nullptr, *out.columns[0])) {
        out.bodies.push_back(static_cast<std::uint32_t>(i));
        if (!out.kinds.empty()) out.kinds.push_back(RowKind::kInsert);
      } else {
        out.failures.push_back(
            {static_cast<std::uint32_t>(i), problem(body, out.columns[0]->type()), body});
      }
    }
  }

 private:
  static std::string problem(std::string_view body, const Type& type) {
    if (type.is_text()) return "the body is not text in the encoding of 'raw.charset'";
    return "a body of " + std::to_string(body.size()) + " bytes is no " +
           type.with_nullable(true).to_string() + ", which takes " +
           std::to_string(layout_width(type.layout()));
  }

  bool append(std::string_view body, bool views, ColumnBuilder& out) {
    const Type& type = out.type();
    if (type.layout() == Layout::kString) return append_text(body, views, out);
    const std::size_t width = layout_width(type.layout());
    if (body.size() != width) return false;
    std::array<char, 8> bytes{};
    std::copy(body.begin(), body.end(), bytes.begin());
    if (reversed_) std::reverse(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(width));
    switch (width) {
      case 1:
        out.append(static_cast<std::uint8_t>(type.kind() == TypeKind::kBoolean ? bytes[0] != 0
                                                                               : bytes[0]));
        break;
      case 2:
        append_bits<std::uint16_t>(bytes, out);
        break;
      case 4:
        append_bits<std::uint32_t>(bytes, out);
        break;
      default:
        append_bits<std::uint64_t>(bytes, out);
    }
    return true;
  }

  template <typename T>
  static void append_bits(const std::array<char, 8>& bytes, ColumnBuilder& out) {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    out.append(value);
  }

  bool append_text(std::string_view body, bool views, ColumnBuilder& out) {
    const bool convert = out.type().is_text() && !charset_.is_utf8();
    if (out.type().is_text()) {
      converted_.clear();
      if (!charset_.decode(body, converted_)) return false;
    }
    if (convert) {
      out.append_text(converted_);
    } else if (views) {
      out.append_text_view(body);
    } else {
      out.append_text(body);
    }
    return true;
  }

  Charset charset_;
  bool reversed_;  // the machine is little endian
  std::string converted_;
};
static_assert(std::endian::native == std::endian::little);

class RawEncoder final : public RowEncoder {
 public:
  RawEncoder(std::string column, Charset charset, bool little_endian)
      : name_(std::move(column)), charset_(std::move(charset)), reversed_(!little_endian) {}

  Status encode(const Batch& batch, std::size_t begin, std::size_t end,
                EncodedBodies& out) override {
    const Column& column = *batch.column(0);
    const Type& type = column.type();
    for (std::size_t row = begin; row < end; ++row) {
      if (column.is_null(row)) {
        return Error{ErrorCode::kDataError, "column '" + name_ +
                                                "' is NULL: format 'raw' has no body for it, "
                                                "filter such rows or use COALESCE"};
      }
      if (type.is_text()) {
        if (!charset_.encode(column.text(row), out.bytes)) {
          return Error{ErrorCode::kDataError,
                       "column '" + name_ + "' holds a character that 'raw.charset' lacks: '" +
                           shown_text(column.text(row)) + "'"};
        }
      } else if (type.is_binary()) {
        out.bytes += column.text(row);
      } else {
        append_fixed(column, row, out.bytes);
      }
      out.close(row);
    }
    return {};
  }

 private:
  void append_fixed(const Column& column, std::size_t row, std::string& out) const {
    const std::size_t width = layout_width(column.type().layout());
    const std::size_t at = out.size();
    out.append(column.data<char>() + row * width, width);
    if (reversed_) std::reverse(out.begin() + static_cast<std::ptrdiff_t>(at), out.end());
  }

  std::string name_;
  Charset charset_;
  bool reversed_;
};

constexpr Option<std::string> kCharset{
    .name = "raw.charset", .default_value = "UTF-8", .description = "Encoding of a text column."};
enum class Endianness : std::uint8_t { kBig, kLittle };
constexpr auto kEndiannessWords = std::to_array<OptionWord<Endianness>>(
    {{"big-endian", Endianness::kBig}, {"little-endian", Endianness::kLittle}});
constexpr Option<Endianness> kEndianness{.name = "raw.endianness",
                                         .default_value = "big-endian",
                                         .description = "Byte order of numbers.",
                                         .limits = {kEndiannessWords}};

bool little_endian(const Options& options) { return options[kEndianness] == Endianness::kLittle; }

Result<std::unique_ptr<RowDecoder>> make_decoder(const Schema& schema,
                                                 std::span<const std::size_t> /*projection*/,
                                                 const Options& options) {
  TRY(check_schema(schema));
  TRY_ASSIGN(Charset charset, Charset::open(options[kCharset]));
  return std::unique_ptr<RowDecoder>(
      std::make_unique<RawDecoder>(std::move(charset), little_endian(options)));
}

Result<std::unique_ptr<RowEncoder>> make_encoder(const Schema& schema, const Options& options) {
  TRY(check_schema(schema));
  TRY_ASSIGN(Charset charset, Charset::open(options[kCharset]));
  return std::unique_ptr<RowEncoder>(
      std::make_unique<RawEncoder>(schema[0].name, std::move(charset), little_endian(options)));
}

}  // namespace

Format raw_format() {
  Format format;
  format.name = "raw";
  format.description = "The body is the value of the only column.";
  format.options = OptionTable(option_specs(kCharset, kEndianness));
  format.make_decoder = make_decoder;
  format.make_encoder = make_encoder;
  return format;
}

}  // namespace slipstream::format
