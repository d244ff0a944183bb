#include "data/serialize.h"

#define XXH_INLINE_ALL
#include <bit>
#include <cmath>
#include <limits>

#include <xxhash.h>

#include "base/try.h"
#include "data/lists.h"

namespace slipstream {

namespace {

constexpr std::uint32_t kMagic = 0x31424c53;  // "SLB1"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeader = 4 + 1 + 8 + 8;  // magic, version, length, checksum
constexpr int kDeepestType = 64;

using Bytes = std::vector<std::uint8_t>;

template <typename T>
void put(Bytes& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof(T));
  std::memcpy(out.data() + at, &value, sizeof(T));
}

void put_raw(Bytes& out, const void* data, std::size_t size) {
  if (size == 0) return;
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

void put_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_text(Bytes& out, std::string_view text) {
  put_varint(out, text.size());
  put_raw(out, text.data(), text.size());
}

// Reads with sticky failure: after a short read everything is 0 and ok() is false.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  void fail() { ok_ = false; }
  std::span<const std::uint8_t> rest() const { return bytes_; }

  std::span<const std::uint8_t> raw(std::uint64_t size) {
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const auto piece = bytes_.first(static_cast<std::size_t>(size));
    bytes_ = bytes_.subspan(static_cast<std::size_t>(size));
    return piece;
  }
  template <typename T>
  T fixed() {
    T value{};
    const auto piece = raw(sizeof(T));
    if (ok_) std::memcpy(&value, piece.data(), sizeof(T));
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string_view text() {
    const auto piece = raw(varint());
    return {reinterpret_cast<const char*>(piece.data()), piece.size()};
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool ok_ = true;
};

Error corrupt(const char* what) { return Error{ErrorCode::kCorrupt, what}; }

// ---- types

void put_type(Bytes& out, const Type& type) {
  out.push_back(static_cast<std::uint8_t>(type.kind()));
  out.push_back(type.nullable() ? 1 : 0);
  put(out, static_cast<std::int32_t>(type.precision()));
  put(out, static_cast<std::int32_t>(type.scale()));
  if (type.layout() != Layout::kNested) return;
  put_varint(out, type.children().size());
  for (const Field& field : type.children()) {
    put_text(out, field.name);
    put_type(out, field.type);
  }
}

Type read_type(Reader& reader, int depth);

std::vector<Field> read_fields(Reader& reader, int depth) {
  std::vector<Field> fields;
  const std::uint64_t count = reader.varint();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    std::string name(reader.text());
    fields.push_back(Field{std::move(name), read_type(reader, depth + 1)});
  }
  return fields;
}

Type nested_type(TypeKind kind, std::vector<Field> fields, Reader& reader) {
  const std::size_t wanted = kind == TypeKind::kMap ? 2 : 1;
  if (kind != TypeKind::kRow && fields.size() != wanted) {
    reader.fail();
    return {};
  }
  switch (kind) {
    case TypeKind::kArray:
      return Type::array(fields[0].type);
    case TypeKind::kMultiset:
      return Type::multiset(fields[0].type);
    case TypeKind::kMap:
      return Type::map(fields[0].type, fields[1].type);
    default:
      return Type::row(std::move(fields));
  }
}

Type read_type(Reader& reader, int depth) {
  const auto kind_byte = reader.fixed<std::uint8_t>();
  const auto nullable = reader.fixed<std::uint8_t>();
  const auto precision = reader.fixed<std::int32_t>();
  const auto scale = reader.fixed<std::int32_t>();
  if (depth > kDeepestType || kind_byte > static_cast<std::uint8_t>(TypeKind::kRow)) reader.fail();
  if (!reader.ok()) return {};
  const auto kind = static_cast<TypeKind>(kind_byte);
  Type type(kind, precision, scale);
  if (type.layout() == Layout::kNested)
    type = nested_type(kind, read_fields(reader, depth), reader);
  return type.with_nullable(nullable != 0);
}

// ---- columns

void put_column(Bytes& out, const Column& column) {
  out.push_back(column.may_have_nulls() ? 1 : 0);
  if (column.may_have_nulls())
    put_raw(out, column.validity().data(), (column.size() + 63) / 64 * 8);
  const Layout layout = column.type().layout();
  if (layout == Layout::kString) {
    for (std::size_t row = 0; row < column.size(); ++row) {
      put_text(out, column.is_null(row) ? std::string_view() : column.text(row));
    }
  } else if (layout != Layout::kNested) {
    put_raw(out, column.data<std::byte>(), column.size() * layout_width(layout));
  }
  if (is_list(column.type().kind()))
    put_raw(out, column.offsets().data(), column.offsets().size_bytes());
  for (const ColumnPtr& child : column.children()) {
    put_varint(out, child->size());
    put_column(out, *child);
  }
}

void read_text_values(Reader& reader, ColumnParts& parts) {
  ColumnBuilder builder(Type::bytes());
  for (std::size_t row = 0; row < parts.size && reader.ok(); ++row)
    builder.append_text(reader.text());
  if (!reader.ok()) return;
  const ColumnPtr text = builder.finish();
  parts.buffers = text->buffers();
  const auto* first = text->data<std::byte>();
  parts.values.assign(first, first + parts.size * sizeof(StringView));
}

void read_offsets(Reader& reader, ColumnParts& parts) {
  const auto raw = reader.raw((parts.size + 1) * sizeof(std::int32_t));
  if (!reader.ok()) return;
  parts.offsets.resize(parts.size + 1);
  std::memcpy(parts.offsets.data(), raw.data(), raw.size());
  if (parts.offsets.front() != 0) reader.fail();
  for (std::size_t i = 0; i < parts.size; ++i) {
    if (parts.offsets[i] > parts.offsets[i + 1]) reader.fail();
  }
}

ColumnPtr read_column(Reader& reader, const Type& type, std::uint64_t size) {
  ColumnParts parts;
  parts.type = type;
  // Every value takes at least a bit; a count beyond the bytes left is not one.
  if (size > (reader.rest().size() + 1) * 8) reader.fail();
  if (!reader.ok()) return nullptr;
  parts.size = static_cast<std::size_t>(size);
  const Layout layout = type.layout();
  if (reader.fixed<std::uint8_t>() != 0) {
    const auto raw = reader.raw((size + 63) / 64 * 8);
    parts.validity.resize(raw.size() / 8);
    if (!raw.empty()) std::memcpy(parts.validity.data(), raw.data(), raw.size());
  }
  if (layout == Layout::kString) {
    read_text_values(reader, parts);
  } else if (layout != Layout::kNested) {
    const auto raw = reader.raw(size * layout_width(layout));
    const auto* first = reinterpret_cast<const std::byte*>(raw.data());
    parts.values.assign(first, first + raw.size());
  }
  if (is_list(type.kind())) read_offsets(reader, parts);
  for (const Field& field : type.children()) {
    const std::uint64_t child_size = reader.varint();
    if (!reader.ok()) return nullptr;
    const std::uint64_t wanted =
        is_list(type.kind()) ? static_cast<std::uint64_t>(parts.offsets.back()) : size;
    if (child_size != wanted) reader.fail();
    parts.children.push_back(read_column(reader, field.type, child_size));
  }
  if (!reader.ok()) return nullptr;
  return std::make_shared<const Column>(std::move(parts));
}

// ---- rows

template <typename T>
T normalised(T value) {
  if (std::isnan(value)) return std::numeric_limits<T>::quiet_NaN();
  return value == 0 ? T{0} : value;
}

void put_cell(Bytes& out, const Column& column, std::size_t row, bool key) {
  const Layout layout = column.type().layout();
  if (layout == Layout::kString) return put_text(out, column.text(row));
  if (key && layout == Layout::kDouble) return put(out, normalised(column.data<double>()[row]));
  if (key && layout == Layout::kFloat) return put(out, normalised(column.data<float>()[row]));
  if (layout != Layout::kNested) {
    const std::size_t width = layout_width(layout);
    return put_raw(out, column.data<std::byte>() + row * width, width);
  }
  std::size_t begin = row;
  std::size_t end = row + 1;
  if (is_list(column.type().kind())) {
    begin = static_cast<std::size_t>(column.offsets()[row]);
    end = static_cast<std::size_t>(column.offsets()[row + 1]);
    put_varint(out, end - begin);
  }
  for (const ColumnPtr& child : column.children()) {
    for (std::size_t at = begin; at < end; ++at) {
      const bool null = child->is_null(at);
      out.push_back(null ? 1 : 0);
      if (!null) put_cell(out, *child, at, key);
    }
  }
}

void put_row(std::span<const ColumnPtr> columns, std::size_t row, Bytes& out, bool key) {
  // One bit per column: NULL.
  const std::size_t bits_at = out.size();
  out.resize(bits_at + (columns.size() + 7) / 8);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]->is_null(row)) {
      out[bits_at + i / 8] = static_cast<std::uint8_t>(out[bits_at + i / 8] | (1U << (i % 8)));
    } else {
      put_cell(out, *columns[i], row, key);
    }
  }
}

template <typename T>
void read_fixed(Reader& reader, ColumnBuilder& builder) {
  builder.append(reader.fixed<T>());
}

void read_cell(Reader& reader, ColumnBuilder& builder);

void read_nested(Reader& reader, ColumnBuilder& builder) {
  const Type& type = builder.type();
  const std::uint64_t count = is_list(type.kind()) ? reader.varint() : 1;
  for (std::size_t i = 0; i < type.children().size(); ++i) {
    for (std::uint64_t at = 0; at < count && reader.ok(); ++at) {
      if (reader.fixed<std::uint8_t>() != 0) {
        builder.child(i).append_null();
      } else {
        read_cell(reader, builder.child(i));
      }
    }
  }
  if (reader.ok()) builder.append_nested();
}

void read_cell(Reader& reader, ColumnBuilder& builder) {
  switch (builder.type().layout()) {
    case Layout::kBool:
    case Layout::kInt8:
      return read_fixed<std::uint8_t>(reader, builder);
    case Layout::kInt16:
      return read_fixed<std::uint16_t>(reader, builder);
    case Layout::kInt32:
    case Layout::kFloat:
      return read_fixed<std::uint32_t>(reader, builder);
    case Layout::kInt64:
    case Layout::kDouble:
      return read_fixed<std::uint64_t>(reader, builder);
    case Layout::kInt128:
      return read_fixed<Int128>(reader, builder);
    case Layout::kString:
      return builder.append_text(reader.text());
    case Layout::kNested:
      return read_nested(reader, builder);
  }
}

}  // namespace

void serialize_batch(const Batch& batch, Bytes& out) {
  const std::size_t start = out.size();
  out.resize(start + kHeader);
  put_varint(out, batch.rows());
  put_varint(out, batch.columns().size());
  for (const ColumnPtr& column : batch.columns()) {
    put_type(out, column->type());
    put_column(out, *column);
  }
  out.push_back(batch.kinds().empty() ? 0 : 1);
  put_raw(out, batch.kinds().data(), batch.kinds().size());
  out.push_back(batch.key_hashes().empty() ? 0 : 1);
  put_raw(out, batch.key_hashes().data(), batch.key_hashes().size_bytes());
  const std::uint64_t length = out.size() - start - kHeader;
  const std::uint64_t checksum = XXH3_64bits(out.data() + start + kHeader, length);
  std::memcpy(out.data() + start, &kMagic, 4);
  out[start + 4] = kVersion;
  std::memcpy(out.data() + start + 5, &length, 8);
  std::memcpy(out.data() + start + 13, &checksum, 8);
}

Result<Batch> deserialize_batch(std::span<const std::uint8_t>& bytes) {
  Reader header(bytes);
  const auto magic = header.fixed<std::uint32_t>();
  const auto version = header.fixed<std::uint8_t>();
  const auto length = header.fixed<std::uint64_t>();
  const auto checksum = header.fixed<std::uint64_t>();
  if (!header.ok() || magic != kMagic) return corrupt("no batch block at this place");
  if (version != kVersion) {
    return Error{ErrorCode::kUnsupported,
                 "batch block of version " + std::to_string(version) +
                     ", this program reads version 1: use a newer program"};
  }
  const auto body = header.raw(length);
  if (!header.ok()) return corrupt("batch block cut short");
  if (XXH3_64bits(body.data(), body.size()) != checksum)
    return corrupt("batch block with a wrong checksum");
  Reader reader(body);
  const std::uint64_t rows = reader.varint();
  const std::uint64_t count = reader.varint();
  std::vector<ColumnPtr> columns;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    const Type type = read_type(reader, 0);
    if (reader.ok()) columns.push_back(read_column(reader, type, rows));
  }
  std::vector<RowKind> kinds;
  if (reader.fixed<std::uint8_t>() != 0) {
    for (const std::uint8_t kind : reader.raw(rows))
      kinds.push_back(static_cast<RowKind>(kind & 3U));
  }
  std::vector<std::uint64_t> hashes;
  if (reader.fixed<std::uint8_t>() != 0) {
    const auto raw = rows > body.size() ? reader.raw(body.size() + 1) : reader.raw(rows * 8);
    hashes.resize(raw.size() / 8);
    if (!raw.empty()) std::memcpy(hashes.data(), raw.data(), raw.size());
  }
  if (!reader.ok() || !reader.rest().empty()) return corrupt("batch block with impossible content");
  Batch batch(static_cast<std::size_t>(rows), std::move(columns));
  batch.set_kinds(std::move(kinds));
  batch.set_key_hashes(std::move(hashes));
  bytes = header.rest();
  return batch;
}

void encode_row(std::span<const ColumnPtr> columns, std::size_t row, Bytes& out) {
  put_row(columns, row, out, false);
}

void encode_key(std::span<const ColumnPtr> columns, std::size_t row, Bytes& out) {
  put_row(columns, row, out, true);
}

Status decode_row(std::span<const std::uint8_t>& bytes, std::span<ColumnBuilder* const> builders) {
  Reader reader(bytes);
  const auto nulls = reader.raw((builders.size() + 7) / 8);
  for (std::size_t i = 0; i < builders.size() && reader.ok(); ++i) {
    if (((nulls[i / 8] >> (i % 8)) & 1U) != 0) {
      builders[i]->append_null();
    } else {
      read_cell(reader, *builders[i]);
    }
  }
  if (!reader.ok()) return corrupt("row cut short");
  bytes = reader.rest();
  return {};
}

}  // namespace slipstream
