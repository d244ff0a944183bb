#include "expr/kernel.h"

#include <algorithm>

namespace slipstream::expr {

void KernelContext::fail(std::size_t row, std::string reason) {
  if (!failures_.empty() && failures_.back().row == row) return;
  failures_.push_back(Failure{row, std::move(reason)});
}

void Validity::fill() {
  words_.assign((rows_ + 63) / 64, ~std::uint64_t{0});
  if (rows_ % 64 != 0) words_.back() = (std::uint64_t{1} << (rows_ % 64)) - 1;
}

void Validity::add_nulls_of(const Column& column) {
  const std::span<const std::uint64_t> other = column.validity();
  if (other.empty() || rows_ == 0) return;
  if (words_.empty()) fill();
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other[i];
}

// Chunks that double from 1 KiB to 64 KiB: small batches stay small, large ones allocate seldom.
class TextResult::Arena : public Buffer {
 public:
  std::size_t bytes() const override { return bytes_; }
  char* allocate(std::size_t size) {
    if (size > left_) grow(size);
    char* const at = next_;
    next_ += size;
    left_ -= size;
    return at;
  }

 private:
  static constexpr std::size_t kFirst = 1024;
  static constexpr std::size_t kLargest = 65536;

  void grow(std::size_t size) {
    const std::size_t chunk = std::max(size, std::min(kLargest, kFirst << chunks_.size()));
    chunks_.push_back(std::make_unique<char[]>(chunk));
    next_ = chunks_.back().get();
    left_ = chunk;
    bytes_ += chunk;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

TextResult::TextResult(const Type& type, std::size_t rows) : validity_(rows) {
  parts_.type = type;
  parts_.size = rows;
  parts_.values.resize(rows * sizeof(StringView));
}

TextResult::~TextResult() = default;

void TextResult::pin(const Column& source) {
  for (const BufferPtr& buffer : source.buffers()) {
    if (std::find(parts_.buffers.begin(), parts_.buffers.end(), buffer) == parts_.buffers.end()) {
      parts_.buffers.push_back(buffer);
    }
  }
}

void TextResult::set(std::size_t row, std::string_view text) {
  if (text.size() <= StringView::kInline) {
    data()[row] = StringView(text);
    return;
  }
  char* const copy = allocate(text.size());
  std::memcpy(copy, text.data(), text.size());
  data()[row] = StringView(std::string_view(copy, text.size()));
}

char* TextResult::allocate(std::size_t size) {
  if (arena_ == nullptr) arena_ = std::make_shared<Arena>();
  return arena_->allocate(size);
}

ColumnPtr TextResult::finish() {
  if (arena_ != nullptr) parts_.buffers.push_back(std::move(arena_));
  parts_.validity = validity_.take();
  return std::make_shared<const Column>(std::move(parts_));
}

ColumnPtr retyped(const ColumnPtr& column, const Type& type, std::size_t rows) {
  if (column->size() == rows && same_type(column->type(), type)) return column;
  ColumnParts parts;
  parts.type = type;
  parts.size = rows;
  const std::size_t width = layout_width(type.layout());
  parts.values.resize(rows * width);
  if (rows != 0 && width != 0)
    std::memcpy(parts.values.data(), column->data<std::byte>(), rows * width);
  Validity validity(rows);
  validity.add_nulls_of(*column);
  parts.validity = validity.take();
  parts.children = column->children();
  if (!column->offsets().empty()) {
    parts.offsets.assign(column->offsets().begin(),
                         column->offsets().begin() + static_cast<std::ptrdiff_t>(rows) + 1);
  }
  parts.buffers = column->buffers();
  return std::make_shared<const Column>(std::move(parts));
}

}  // namespace slipstream::expr
