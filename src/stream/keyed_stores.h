// State and timers of the current key, in the engine's tables.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "slipstream/stream/operator.h"

#include "flow/operator.h"
#include "flow/operators/keyed_state.h"
#include "state/key_table.h"
#include "state/multi_map.h"

namespace slipstream::stream {

// The key that state belongs to at the moment.
// Thread: task.
struct CurrentKey {
  std::string prefix;  // length and bytes of the key: how its entries begin
  std::uint64_t hash = 0;
  bool set = false;

  std::string_view bytes() const {
    return std::string_view(prefix).substr(std::min<std::size_t>(prefix.size(), 4));
  }
  void assign(std::string_view key, std::uint64_t key_hash);
};

// Where an entry of a key lies in a table: in the key group of the key, spread over the table.
std::uint64_t entry_hash(std::uint64_t key_hash, std::string_view part);

// Owner: the operator.
// Thread: task.
// Bounds: memory of the pool.
// Failure: reported to `fail`, once; answers are empty then.
class KeyTableStore final : public erased::KeyedStore {
 public:
  using Fail = std::function<void(Status)>;
  KeyTableStore(erased::StoreOptions options, const CurrentKey& key,
                const std::shared_ptr<state::PagePool>& pool, std::function<std::int64_t()> now_ms,
                Fail fail);

  std::optional<std::string_view> get(std::string_view part) override;
  void put(std::string_view part, std::string_view bytes) override;
  void erase(std::string_view part) override;
  void each(std::string_view prefix,
            const std::function<void(std::string_view, std::string_view)>& visit) override;

  const erased::StoreOptions& options() const { return options_; }
  void add_to(flow::StateSnapshot& snapshot);
  // `what`: "e" entries, "p" the list of parts.
  Status restore(std::string_view what, state::EntryReader piece);

 private:
  std::string_view entry(std::string_view part);
  std::int64_t now() const { return options_.ttl_ms > 0 ? now_ms_() : 0; }
  bool ready(const Status& status);
  Status put_entry(std::string_view part, std::string_view bytes);
  Status forget_part(state::SlotId slot);

  erased::StoreOptions options_;
  const CurrentKey& key_;
  std::function<std::int64_t()> now_ms_;
  Fail fail_;
  state::KeyTable table_;
  std::unique_ptr<state::MultiMap> parts_;  // key -> parts, when they are to be listed
  std::string scratch_;
};

// Timers of one time domain, in order of time. Owner, thread, bounds: as KeyTableStore.
class TimerQueue {
 public:
  TimerQueue(std::string tag, std::shared_ptr<state::PagePool> pool);
  ~TimerQueue();

  Status add(const CurrentKey& key, Timestamp time, std::string_view part);
  Status remove(const CurrentKey& key, Timestamp time, std::string_view part);
  std::optional<Timestamp> next() const {
    return order_.empty() ? std::nullopt : std::optional<Timestamp>(order_.begin()->first);
  }
  // Takes the first timer; its key becomes current. REQUIRES: next()
  Status pop(CurrentKey& key, std::string& part);

  void add_to(flow::StateSnapshot& snapshot) { snapshot.add(tag_, table_); }
  const std::string& tag() const { return tag_; }
  Status restore(state::EntryReader piece) { return table_.restore(piece); }
  Status restored();  // after the last piece

 private:
  std::string entry(const CurrentKey& key, Timestamp time, std::string_view part) const;
  Status note(Timestamp time, state::SlotId slot);
  void forget(Timestamp time, state::SlotId slot);

  std::string tag_;
  std::shared_ptr<state::PagePool> pool_;
  state::KeyTable table_;  // time, key, part -> hash of the key
  std::set<std::pair<Timestamp, state::SlotId>> order_;
};

}  // namespace slipstream::stream
