// Keyed state: values that belong to the current key, saved in every checkpoint by key group, so
// that a job may go on with another parallelism.
//
// Handles are made in open() of a function on a keyed stream, by RuntimeContext, and used where a
// key is current: process_element, on_timer.
// Thread: task.
// Failure: a write that fails (memory budget) fails the operator after the current element.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "slipstream/stream/operator.h"
#include "slipstream/stream/row.h"

namespace slipstream::stream {

struct StateOptions {
  // What was not written for so long (processing time) is forgotten; 0 = never.
  std::chrono::milliseconds ttl{0};
};

// How T lies in state: two states of one name with different layouts refuse each other's snapshot.
template <Element T>
std::string layout_of() {
  return RowOf<T>::schema().to_string();
}

// One T per key.
template <Element T>
class ValueState {
 public:
  ValueState() = default;
  explicit ValueState(std::shared_ptr<erased::KeyedStore> store) : store_(std::move(store)) {}

  std::optional<T> get() const { return get_part({}); }
  T value_or(T other) const {
    auto value = get();
    return value ? std::move(*value) : std::move(other);
  }
  void update(const T& value) { put_part({}, value); }
  void clear() { store_->erase({}); }

  // One value per part of the key: windows.
  std::optional<T> get_part(std::string_view part) const {
    const auto bytes = store_->get(part);
    return bytes ? from_bytes<T>(*bytes) : std::nullopt;
  }
  void put_part(std::string_view part, const T& value) { store_->put(part, to_bytes(value)); }
  void clear_part(std::string_view part) { store_->erase(part); }

 private:
  std::shared_ptr<erased::KeyedStore> store_;
};

// A list of T per key. add() costs the same however long the list is. With a ttl, elements are
// forgotten in groups of neighbours, none before its time.
template <Element T>
class ListState {
 public:
  ListState() = default;
  explicit ListState(std::shared_ptr<erased::KeyedStore> store) : store_(std::move(store)) {}

  void add(const T& value) { add_part({}, value); }
  std::vector<T> get() const { return get_part({}); }
  void update(const std::vector<T>& values) {
    clear();
    for (const T& value : values) add(value);
  }
  void clear() { clear_part({}); }

  void add_part(std::string_view part, const T& value) {
    erased::list_append(*store_, part, to_bytes(value));
  }
  std::vector<T> get_part(std::string_view part) const {
    std::vector<T> values;
    erased::list_each(*store_, part, [&](std::string_view bytes) {
      auto value = from_bytes<T>(bytes);
      if (value) values.push_back(std::move(*value));
    });
    return values;
  }
  void clear_part(std::string_view part) { erased::list_clear(*store_, part); }

 private:
  std::shared_ptr<erased::KeyedStore> store_;
};

// A map per key.
template <Element K, Element V>
class MapState {
 public:
  MapState() = default;
  explicit MapState(std::shared_ptr<erased::KeyedStore> store) : store_(std::move(store)) {}

  std::optional<V> get(const K& key) const {
    const auto bytes = store_->get(to_bytes(key));
    return bytes ? from_bytes<V>(*bytes) : std::nullopt;
  }
  bool contains(const K& key) const { return store_->get(to_bytes(key)).has_value(); }
  void put(const K& key, const V& value) { store_->put(to_bytes(key), to_bytes(value)); }
  void remove(const K& key) { store_->erase(to_bytes(key)); }
  // In no useful order.
  std::vector<std::pair<K, V>> entries() const {
    std::vector<std::pair<K, V>> entries;
    store_->each({}, [&](std::string_view part, std::string_view bytes) {
      auto key = from_bytes<K>(part);
      auto value = from_bytes<V>(bytes);
      if (key && value) entries.emplace_back(std::move(*key), std::move(*value));
    });
    return entries;
  }
  bool empty() const { return entries().empty(); }
  void clear() {
    for (const auto& [key, value] : entries()) remove(key);
  }

 private:
  std::shared_ptr<erased::KeyedStore> store_;
};

// A T per key into which values are folded.
template <Element T>
class ReducingState {
 public:
  ReducingState() = default;
  ReducingState(std::shared_ptr<erased::KeyedStore> store,
                std::function<T(const T&, const T&)> reduce)
      : value_(std::move(store)), reduce_(std::move(reduce)) {}

  std::optional<T> get() const { return value_.get(); }
  void add(const T& value) {
    const auto before = value_.get();
    value_.update(before ? reduce_(*before, value) : value);
  }
  void clear() { value_.clear(); }

 private:
  ValueState<T> value_;
  std::function<T(const T&, const T&)> reduce_;
};

// How elements become a result by way of an accumulator. A subclass is copied for every instance.
template <typename InType, Element AccumulatorType, typename OutType>
class AggregateFunction {
 public:
  using In = InType;
  using Accumulator = AccumulatorType;
  using Out = OutType;
  virtual ~AggregateFunction() = default;
  virtual Accumulator create_accumulator() { return Accumulator{}; }
  virtual void add(const In& value, Accumulator& accumulator) = 0;
  virtual Out get_result(const Accumulator& accumulator) = 0;
  // Session windows only, which refuse a function without it: `from` is added to `into`.
  virtual void merge(Accumulator& into, const Accumulator& from) {
    static_cast<void>(into), static_cast<void>(from);
    throw std::logic_error("this AggregateFunction has no merge()");
  }
};

// An accumulator per key.
template <typename Function>
class AggregatingState {
 public:
  using Accumulator = typename Function::Accumulator;
  AggregatingState() = default;
  AggregatingState(std::shared_ptr<erased::KeyedStore> store, Function function)
      : value_(std::move(store)), function_(std::move(function)) {}

  std::optional<typename Function::Out> get() {
    const auto accumulator = value_.get();
    if (!accumulator) return std::nullopt;
    return function_.get_result(*accumulator);
  }
  void add(const typename Function::In& value) {
    auto accumulator = value_.get();
    if (!accumulator) accumulator = function_.create_accumulator();
    function_.add(value, *accumulator);
    value_.update(*accumulator);
  }
  void clear() { value_.clear(); }

 private:
  ValueState<Accumulator> value_;
  Function function_{};
};

// State that every instance of an operator holds alike: written by the broadcast side only.
template <Element K, Element V>
class ReadOnlyBroadcastState {
 public:
  ReadOnlyBroadcastState() = default;
  explicit ReadOnlyBroadcastState(std::shared_ptr<erased::BroadcastStore> store)
      : store_(std::move(store)) {}

  std::optional<V> get(const K& key) const {
    const std::string* bytes = store_->get(to_bytes(key));
    return bytes != nullptr ? from_bytes<V>(*bytes) : std::nullopt;
  }
  bool contains(const K& key) const { return store_->get(to_bytes(key)) != nullptr; }
  // Ordered by the bytes of the keys: the same in every instance.
  std::vector<std::pair<K, V>> entries() const {
    std::vector<std::pair<K, V>> entries;
    store_->each([&](std::string_view key_bytes, std::string_view bytes) {
      auto key = from_bytes<K>(key_bytes);
      auto value = from_bytes<V>(bytes);
      if (key && value) entries.emplace_back(std::move(*key), std::move(*value));
    });
    return entries;
  }

 protected:
  std::shared_ptr<erased::BroadcastStore> store_;
};

// The same for the side that writes it.
template <Element K, Element V>
class BroadcastState : public ReadOnlyBroadcastState<K, V> {
 public:
  using ReadOnlyBroadcastState<K, V>::ReadOnlyBroadcastState;
  void put(const K& key, const V& value) { this->store_->put(to_bytes(key), to_bytes(value)); }
  void remove(const K& key) { this->store_->erase(to_bytes(key)); }
};

// Names a broadcast state and its types.
template <Element K, Element V>
struct BroadcastStateDescriptor {
  using Key = K;
  using Value = V;
  std::string name;
};

}  // namespace slipstream::stream
