#include <algorithm>
#include <bit>

#include "slipstream/batch.h"

#include "base/try.h"
#include "data/lists.h"

namespace slipstream {

namespace {

constexpr std::size_t kFirstChunk = 1024;      // a column of a small batch costs little
constexpr std::size_t kLargestChunk = 262144;  // beyond it, doubling only wastes

std::size_t words_for(std::size_t rows) { return (rows + 63) / 64; }

void set_bit(std::vector<std::uint64_t>& bits, std::size_t at, bool value) {
  const std::uint64_t mask = std::uint64_t{1} << (at % 64);
  if (value) {
    bits[at / 64] |= mask;
  } else {
    bits[at / 64] &= ~mask;
  }
}

}  // namespace

std::size_t layout_width(Layout layout) {
  switch (layout) {
    case Layout::kBool:
    case Layout::kInt8:
      return 1;
    case Layout::kInt16:
      return 2;
    case Layout::kInt32:
    case Layout::kFloat:
      return 4;
    case Layout::kInt64:
    case Layout::kDouble:
      return 8;
    case Layout::kInt128:
    case Layout::kString:
      return 16;
    case Layout::kNested:
      return 0;
  }
  return 0;
}

Column::Column(ColumnParts parts) : parts_(std::move(parts)) {
  CHECK(parts_.values.size() >= parts_.size * layout_width(parts_.type.layout()));
  CHECK(parts_.validity.empty() || parts_.validity.size() >= words_for(parts_.size));
  CHECK(!is_list(parts_.type.kind()) || parts_.offsets.size() == parts_.size + 1);
}

std::size_t Column::null_count() const {
  if (parts_.validity.empty()) return 0;
  std::size_t valid = 0;
  const std::size_t whole = parts_.size / 64;
  for (std::size_t i = 0; i < whole; ++i)
    valid += static_cast<std::size_t>(std::popcount(parts_.validity[i]));
  if (parts_.size % 64 != 0) {
    const std::uint64_t mask = (std::uint64_t{1} << (parts_.size % 64)) - 1;
    valid += static_cast<std::size_t>(std::popcount(parts_.validity[whole] & mask));
  }
  return parts_.size - valid;
}

std::size_t Column::bytes_used() const {
  std::size_t bytes = parts_.size * layout_width(parts_.type.layout()) +
                      parts_.validity.size() * 8 + parts_.offsets.size() * sizeof(std::int32_t);
  if (parts_.type.layout() == Layout::kString) {
    const StringView* views = data<StringView>();
    for (std::size_t i = 0; i < parts_.size; ++i) {
      if (!views[i].is_inline()) bytes += views[i].size();
    }
  }
  for (const ColumnPtr& child : parts_.children) bytes += child->bytes_used();
  return bytes;
}

std::size_t Column::bytes_pinned() const {
  std::size_t bytes = 0;
  for (const BufferPtr& buffer : parts_.buffers) bytes += buffer->bytes();
  for (const ColumnPtr& child : parts_.children) bytes += child->bytes_pinned();
  return bytes;
}

// Text owned by one column: chunks that never move.
class ColumnBuilder::Arena final : public Buffer {
 public:
  std::size_t bytes() const override { return bytes_; }

  std::string_view keep(std::string_view text) {
    if (text.size() > room_) add_chunk(text.size());
    char* at = next_;
    std::memcpy(at, text.data(), text.size());
    next_ += text.size();
    room_ -= text.size();
    return {at, text.size()};
  }

 private:
  void add_chunk(std::size_t least) {
    const std::size_t size =
        std::max(least, std::min(kLargestChunk, std::max(kFirstChunk, bytes_)));
    chunks_.push_back(std::unique_ptr<char[]>(new char[size]));
    next_ = chunks_.back().get();
    room_ = size;
    bytes_ += size;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  std::size_t room_ = 0;
  std::size_t bytes_ = 0;
};

ColumnBuilder::ColumnBuilder(Type type) {
  for (const Field& field : type.children())
    children_.push_back(std::make_unique<ColumnBuilder>(field.type));
  if (is_list(type.kind())) parts_.offsets.push_back(0);
  parts_.type = std::move(type);
}

void ColumnBuilder::reserve(std::size_t rows) {
  const std::size_t bytes = rows * layout_width(parts_.type.layout());
  if (bytes > parts_.values.size()) parts_.values.resize(bytes);
  if (is_list(parts_.type.kind())) parts_.offsets.reserve(rows + 1);
  if (parts_.type.kind() == TypeKind::kRow) {
    for (const auto& field : children_) field->reserve(rows);
  }
}

void ColumnBuilder::grow(std::size_t bytes) {
  parts_.values.resize(std::max({bytes, parts_.values.size() * 2, std::size_t{256}}));
}

void ColumnBuilder::push_validity(bool valid) {
  if (parts_.validity.empty())
    parts_.validity.assign(words_for(parts_.size + 1), ~std::uint64_t{0});
  if (parts_.validity.size() < words_for(parts_.size + 1))
    parts_.validity.push_back(~std::uint64_t{0});
  set_bit(parts_.validity, parts_.size, valid);
}

void ColumnBuilder::append_null() {
  push_validity(false);
  if (parts_.type.layout() == Layout::kNested) {
    if (is_list(parts_.type.kind())) {
      parts_.offsets.push_back(static_cast<std::int32_t>(children_.front()->size()));
    } else {
      for (const auto& field : children_) field->append_null();
    }
  } else {
    const std::size_t width = layout_width(parts_.type.layout());
    const std::size_t at = parts_.size * width;
    if (at + width > parts_.values.size()) grow(at + width);
    std::memset(parts_.values.data() + at, 0, width);
  }
  ++parts_.size;
}

void ColumnBuilder::append_text(std::string_view text) {
  if (text.size() > StringView::kInline) {
    if (!arena_) arena_ = std::make_shared<Arena>();
    text = arena_->keep(text);
  }
  append(StringView(text));
}

void ColumnBuilder::append_text_view(std::string_view text) { append(StringView(text)); }

void ColumnBuilder::pin(BufferPtr buffer) {
  if (!parts_.buffers.empty() && parts_.buffers.back() == buffer) return;
  parts_.buffers.push_back(std::move(buffer));
}

void ColumnBuilder::append_nested() {
  if (is_list(parts_.type.kind())) {
    parts_.offsets.push_back(static_cast<std::int32_t>(children_.front()->size()));
  }
  for ([[maybe_unused]] const auto& part : children_) {
    DCHECK(part->size() ==
           (is_list(parts_.type.kind()) ? children_.front()->size() : parts_.size + 1));
  }
  appended();
}

void ColumnBuilder::append_from(const Column& column, std::size_t row) {
  if (column.is_null(row)) return append_null();
  switch (parts_.type.layout()) {
    case Layout::kBool:
    case Layout::kInt8:
      return append(column.data<std::uint8_t>()[row]);
    case Layout::kInt16:
      return append(column.data<std::int16_t>()[row]);
    case Layout::kInt32:
    case Layout::kFloat:
      return append(column.data<std::int32_t>()[row]);
    case Layout::kInt64:
    case Layout::kDouble:
      return append(column.data<std::int64_t>()[row]);
    case Layout::kInt128:
      return append(column.data<Int128>()[row]);
    case Layout::kString:
      return append_text(column.text(row));
    case Layout::kNested:
      break;
  }
  std::size_t begin = row;
  std::size_t end = row + 1;
  if (is_list(parts_.type.kind())) {
    begin = static_cast<std::size_t>(column.offsets()[row]);
    end = static_cast<std::size_t>(column.offsets()[row + 1]);
  }
  for (std::size_t i = 0; i < children_.size(); ++i) {
    for (std::size_t at = begin; at < end; ++at)
      children_[i]->append_from(*column.children()[i], at);
  }
  append_nested();
}

void ColumnBuilder::truncate(std::size_t rows) {
  std::size_t child_rows = rows;
  if (is_list(parts_.type.kind())) {
    child_rows = static_cast<std::size_t>(parts_.offsets[std::min(rows, parts_.size)]);
  }
  if (rows < parts_.size) {
    parts_.size = rows;
    if (!parts_.validity.empty()) parts_.validity.resize(words_for(rows));
    if (is_list(parts_.type.kind())) parts_.offsets.resize(rows + 1);
  }
  for (const auto& part : children_) part->truncate(child_rows);
}

ColumnPtr ColumnBuilder::finish() {
  ColumnBuilder empty(parts_.type);
  ColumnParts parts = std::move(parts_);
  parts.values.resize(parts.size * layout_width(parts.type.layout()));
  if (!parts.validity.empty()) {
    const std::size_t last = parts.size % 64;
    if (last != 0) parts.validity.back() |= ~std::uint64_t{0} << last;
    const bool no_null = std::all_of(parts.validity.begin(), parts.validity.end(),
                                     [](std::uint64_t word) { return word == ~std::uint64_t{0}; });
    if (no_null) parts.validity.clear();
  }
  for (const auto& part : children_) parts.children.push_back(part->finish());
  if (arena_) parts.buffers.push_back(std::move(arena_));
  parts_ = std::move(empty.parts_);
  arena_ = nullptr;
  return std::make_shared<const Column>(std::move(parts));
}

}  // namespace slipstream
