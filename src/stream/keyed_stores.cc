#include "stream/keyed_stores.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/try.h"

namespace slipstream::stream {
namespace {

constexpr std::size_t kSweepPerWrite = 2;  // entries looked at for expiry
constexpr std::size_t kTimerBytes = 64;    // of one node of the order
constexpr std::size_t kPieceBytes = 1024;  // of a list: appending copies at most so much
constexpr std::uint32_t kValueWidth = 16;

StringView stored_text(const std::byte* value) {
  StringView text;
  std::memcpy(&text, value, sizeof text);
  return text;
}

// Takes "length, bytes" off the front.
std::string_view take_text(std::string_view& from) {
  std::string_view text;
  bytes::get_text(from, text);
  return text;
}

}  // namespace

void CurrentKey::assign(std::string_view key, std::uint64_t key_hash) {
  prefix.clear();
  bytes::put_text(prefix, key);
  hash = key_hash;
  set = true;
}

std::uint64_t entry_hash(std::uint64_t key_hash, std::string_view part) {
  if (part.empty()) return key_hash;
  std::uint32_t low = 2166136261U ^ static_cast<std::uint32_t>(key_hash);
  for (const char byte : part) low = (low ^ static_cast<std::uint8_t>(byte)) * 16777619U;
  low ^= low >> 15U;
  return (key_hash & 0xffffffff00000000ULL) | low;
}

// ----------------------------------------------------------------------------------------------

KeyTableStore::KeyTableStore(erased::StoreOptions options, const CurrentKey& key,
                             const std::shared_ptr<state::PagePool>& pool,
                             std::function<std::int64_t()> now_ms, Fail fail)
    : options_(std::move(options)),
      key_(key),
      now_ms_(std::move(now_ms)),
      fail_(std::move(fail)),
      // a listed entry also knows the hash of its key, for when it expires
      table_(pool, state::KeyTableOptions{
                       options_.listed ? 2 * kValueWidth : kValueWidth, {0}, options_.ttl_ms}) {
  if (options_.listed) parts_ = std::make_unique<state::MultiMap>(pool, state::MultiMapOptions{});
}

std::string_view KeyTableStore::entry(std::string_view part) {
  scratch_.assign(key_.prefix).append(part);
  return scratch_;
}

bool KeyTableStore::ready(const Status& status) {
  if (!status.ok()) fail_(status.with_context("state '" + options_.name + "'"));
  return status.ok();
}

std::optional<std::string_view> KeyTableStore::get(std::string_view part) {
  if (!key_.set) {
    ready(
        Error{ErrorCode::kInvalidArgument,
              "is read where no key is current: use it while an element or a timer is processed"});
    return std::nullopt;
  }
  const state::SlotId slot = table_.find(entry(part), entry_hash(key_.hash, part), now());
  if (slot == state::kNoSlot) return std::nullopt;
  const auto* text = reinterpret_cast<const StringView*>(table_.value(slot));
  return text->view();
}

void KeyTableStore::put(std::string_view part, std::string_view bytes) {
  if (!key_.set) {
    ready(Error{ErrorCode::kInvalidArgument,
                "is written where no key is current: use it while an element or a timer is "
                "processed"});
    return;
  }
  ready(put_entry(part, bytes));
}

Status KeyTableStore::put_entry(std::string_view part, std::string_view bytes) {
  const std::int64_t now_ms = now();
  const std::uint64_t hash = entry_hash(key_.hash, part);
  // before anything of the old value goes: a full budget leaves it as it was
  TRY_ASSIGN(const StringView text, table_.keep_text(bytes));
  const auto found = table_.find_or_insert(entry(part), hash, now_ms);
  if (!found.ok()) {
    table_.free_text(text);
    return found.status();
  }
  if (!found->inserted) table_.free_text(stored_text(found->value));
  std::memcpy(found->value, &text, sizeof text);
  if (parts_) std::memcpy(found->value + kValueWidth, &key_.hash, sizeof key_.hash);
  table_.release();
  if (parts_ && found->inserted && !found->expired)
    TRY(parts_->add(key_.prefix, key_.hash, part, 1, 0));
  if (options_.ttl_ms == 0) return {};
  return table_.expire(now_ms, kSweepPerWrite,
                       [this](state::SlotId slot) { return forget_part(slot); });
}

Status KeyTableStore::forget_part(state::SlotId slot) {
  if (!parts_) return {};
  const std::string_view whole = table_.key(slot);
  std::string_view part = whole;
  take_text(part);
  const std::string prefix(whole.substr(0, whole.size() - part.size()));
  std::uint64_t key_hash = 0;
  std::memcpy(&key_hash, table_.value(slot) + kValueWidth, sizeof key_hash);
  return parts_->add(prefix, key_hash, std::string(part), -1, 0).status();
}

void KeyTableStore::erase(std::string_view part) {
  if (!key_.set) return;
  const state::SlotId slot = table_.find(entry(part), entry_hash(key_.hash, part), 0);
  if (slot == state::kNoSlot) return;
  if (!ready(table_.erase(slot)) || !parts_) return;
  ready(parts_->add(key_.prefix, key_.hash, part, -1, 0).status());
}

void KeyTableStore::each(std::string_view prefix,
                         const std::function<void(std::string_view, std::string_view)>& visit) {
  if (!key_.set || !parts_) return;
  std::vector<std::string> parts;
  for (state::SlotId row = parts_->first(key_.prefix, key_.hash, 0); row != state::kNoSlot;
       row = parts_->next(row, 0)) {
    if (parts_->row(row).substr(0, prefix.size()) == prefix) parts.emplace_back(parts_->row(row));
  }
  for (const std::string& part : parts) {
    if (const auto bytes = get(part)) visit(part, *bytes);
  }
}

void KeyTableStore::add_to(flow::StateSnapshot& snapshot) {
  std::string tag;
  bytes::put_text(tag, options_.name);
  bytes::put_text(tag, options_.layout);
  snapshot.add(tag + "e", table_);
  if (parts_) snapshot.add(tag + "p", *parts_);
}

Status KeyTableStore::restore(std::string_view what, state::EntryReader piece) {
  if (what == "p") return parts_ ? parts_->restore(piece) : Status();
  return table_.restore(piece);
}

// ----------------------------------------------------------------------------------------------

TimerQueue::TimerQueue(std::string tag, std::shared_ptr<state::PagePool> pool)
    : tag_(std::move(tag)), pool_(pool), table_(pool, state::KeyTableOptions{kValueWidth, {}, 0}) {}

TimerQueue::~TimerQueue() { pool_->release(order_.size() * kTimerBytes); }

std::string TimerQueue::entry(const CurrentKey& key, Timestamp time, std::string_view part) const {
  std::string entry;
  bytes::put_number(entry, time);
  entry.append(key.prefix).append(part);
  return entry;
}

Status TimerQueue::note(Timestamp time, state::SlotId slot) {
  TRY(pool_->charge(kTimerBytes));
  order_.emplace(time, slot);
  return {};
}

void TimerQueue::forget(Timestamp time, state::SlotId slot) {
  if (order_.erase({time, slot}) > 0) pool_->release(kTimerBytes);
}

Status TimerQueue::add(const CurrentKey& key, Timestamp time, std::string_view part) {
  const std::string bytes = entry(key, time, part);
  TRY_ASSIGN(const state::KeyTable::Found found,
             table_.find_or_insert(bytes, entry_hash(key.hash, bytes), 0));
  std::memcpy(found.value, &key.hash, sizeof key.hash);
  table_.release();
  return found.inserted ? note(time, found.slot) : Status();
}

Status TimerQueue::remove(const CurrentKey& key, Timestamp time, std::string_view part) {
  const std::string bytes = entry(key, time, part);
  const state::SlotId slot = table_.find(bytes, entry_hash(key.hash, bytes), 0);
  if (slot == state::kNoSlot) return {};
  forget(time, slot);
  return table_.erase(slot);
}

Status TimerQueue::pop(CurrentKey& key, std::string& part) {
  const auto [time, slot] = *order_.begin();
  std::uint64_t hash = 0;
  std::memcpy(&hash, table_.value(slot), sizeof hash);
  std::string_view rest = table_.key(slot).substr(sizeof(Timestamp));
  key.assign(take_text(rest), hash);
  part.assign(rest);
  forget(time, slot);
  return table_.erase(slot);
}

Status TimerQueue::restored() {
  state::SlotId slot = state::kNoSlot;
  while ((slot = table_.after(slot)) != state::kNoSlot) {
    Timestamp time = 0;
    std::memcpy(&time, table_.key(slot).data(), sizeof time);
    TRY(note(time, slot));
  }
  return {};
}

}  // namespace slipstream::stream

// ----------------------------------------------------------------------------------------------
// lists: "" -> number of pieces, and piece n under its number

namespace slipstream::stream::erased {
namespace {

std::uint32_t pieces_of(KeyedStore& store, std::string_view part) {
  const auto header = store.get(part);
  std::uint32_t count = 0;
  if (header) {
    std::string_view bytes = *header;
    bytes::get_number(bytes, count);
  }
  return count;
}

std::string piece_name(std::string_view part, std::uint32_t number) {
  std::string name(part);
  bytes::put_number(name, number);
  return name;
}

}  // namespace

void list_append(KeyedStore& store, std::string_view part, std::string_view element) {
  std::uint32_t count = pieces_of(store, part);
  std::string piece;
  if (count > 0) {
    const auto last = store.get(piece_name(part, count - 1));
    if (last && last->size() + element.size() <= kPieceBytes) {
      piece = *last;
    } else {
      ++count;
    }
  } else {
    count = 1;
  }
  bytes::put_text(piece, element);
  store.put(piece_name(part, count - 1), piece);
  std::string header;
  bytes::put_number(header, count);
  store.put(part, header);
}

void list_each(KeyedStore& store, std::string_view part,
               const std::function<void(std::string_view)>& visit) {
  const std::uint32_t count = pieces_of(store, part);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto piece = store.get(piece_name(part, i));
    if (!piece) continue;
    const std::string copy(*piece);  // the visitor may use the store
    std::string_view rest = copy;
    std::string_view element;
    while (!rest.empty() && bytes::get_text(rest, element)) visit(element);
  }
}

void list_clear(KeyedStore& store, std::string_view part) {
  const std::uint32_t count = pieces_of(store, part);
  for (std::uint32_t i = 0; i < count; ++i) store.erase(piece_name(part, i));
  store.erase(part);
}

}  // namespace slipstream::stream::erased
