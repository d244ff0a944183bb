// How C++ values become rows: columns on the edges of a job, bytes in its state.
//
// A type is an element of a stream when RowOf<T> is complete. It is for
//   - column values: bool, integers, enums, float, double, std::string, std::vector<std::byte>,
//     time points of std::chrono::system_clock (any precision), std::optional of one of them
//     (NULL), and std::vector (ARRAY), std::map (MAP), rows (ROW) of them. One column, "f0".
//   - std::pair and std::tuple of column values: columns "f0", "f1", ...
//   - structs that say what their columns are, once, beside the struct:
//       struct Order { std::int64_t id = 0; std::string item; };
//       inline auto describe_row(const Order*) {
//         using slipstream::stream::column;
//         return slipstream::stream::columns(column("id", &Order::id), column("item",
//         &Order::item));
//       }
//     Columns keep their names in SQL. The struct must be default constructible.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "slipstream/batch.h"
#include "slipstream/types.h"

namespace slipstream::stream {

// ----------------------------------------------------------------------------------------------
// structs

// One column of a struct.
template <typename T, typename M>
struct NamedMember {
  const char* name;
  M T::*member;
};
template <typename T, typename M>
constexpr NamedMember<T, M> column(const char* name, M T::*member) {
  return {name, member};
}
template <typename... Members>
constexpr std::tuple<Members...> columns(Members... members) {
  return std::tuple<Members...>(members...);
}

template <typename T>
concept Described = requires {
  describe_row(static_cast<const T*>(nullptr));
};

// ----------------------------------------------------------------------------------------------
// one column

// Bytes of state and keys: fixed-width little-endian numbers, lengths as 32 bits.
namespace bytes {
template <typename N>
void put_number(std::string& out, N value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename N>
bool get_number(std::string_view& in, N& value) {
  if (in.size() < sizeof value) return false;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return true;
}
inline void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}
inline bool get_text(std::string_view& in, std::string_view& text) {
  std::uint32_t size = 0;
  if (!get_number(in, size) || in.size() < size) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}
}  // namespace bytes

// One column value. Members, all static:
//   Type type()                                    NOT NULL, unless values may be absent
//   void append(ColumnBuilder&, const T&)          one value behind the last
//   T read(const Column&, std::size_t row)         REQUIRES: not NULL, unless values may be absent
//   void put(std::string&, const T&)               as bytes; equal values give equal bytes
//   bool get(std::string_view&, T&)                takes them back; false: they are cut short
// Specialise it for a type of your own that is one column.
template <typename T>
struct CellOf;

// BOOLEAN
template <>
struct CellOf<bool> {
  static Type type() { return Type::boolean().not_null(); }
  static void append(ColumnBuilder& to, bool value) {
    to.append(static_cast<std::uint8_t>(value ? 1 : 0));
  }
  static bool read(const Column& from, std::size_t row) {
    return from.data<std::uint8_t>()[row] != 0;
  }
  static void put(std::string& out, bool value) {
    bytes::put_number(out, static_cast<std::uint8_t>(value ? 1 : 0));
  }
  static bool get(std::string_view& in, bool& value) {
    std::uint8_t byte = 0;
    if (!bytes::get_number(in, byte)) return false;
    value = byte != 0;
    return true;
  }
};

// A number that lies in a column as `Stored`.
template <typename T, typename Stored>
struct NumberCell {
  static void append(ColumnBuilder& to, T value) { to.append(static_cast<Stored>(value)); }
  static T read(const Column& from, std::size_t row) {
    return static_cast<T>(from.data<Stored>()[row]);
  }
  static void put(std::string& out, T value) {
    if constexpr (std::is_floating_point_v<T>) {
      // one spelling of zero and of not-a-number: keys compare by bytes
      if (value == T{0}) value = T{0};
      if (value != value) value = std::numeric_limits<T>::quiet_NaN();
    }
    bytes::put_number(out, value);
  }
  static bool get(std::string_view& in, T& value) { return bytes::get_number(in, value); }
};

// FLOAT
template <>
struct CellOf<float> : NumberCell<float, float> {
  static Type type() { return Type::float32().not_null(); }
};
// DOUBLE
template <>
struct CellOf<double> : NumberCell<double, double> {
  static Type type() { return Type::float64().not_null(); }
};

// The least signed type that holds all values: std::uint32_t is BIGINT; 64 unsigned bits are
// DECIMAL(20, 0).
template <typename T>
inline constexpr std::size_t kIntegerBytes = std::is_signed_v<T> ? sizeof(T) : sizeof(T) * 2;
// What lies in the column.
template <std::size_t kBytes>
struct StoredInteger {
  using type = std::conditional_t<
      kBytes == 1, std::int8_t,
      std::conditional_t<
          kBytes == 2, std::int16_t,
          std::conditional_t<kBytes == 4, std::int32_t,
                             std::conditional_t<kBytes == 8, std::int64_t, Int128>>>>;
};

template <typename T>
requires(std::is_integral_v<T>) struct CellOf<T>
    : NumberCell<T, typename StoredInteger<kIntegerBytes<T>>::type> {
  static Type type() {
    switch (kIntegerBytes<T>) {
      case 1:
        return Type::tinyint().not_null();
      case 2:
        return Type::smallint().not_null();
      case 4:
        return Type::integer().not_null();
      case 8:
        return Type::bigint().not_null();
      default:
        return Type::decimal(20, 0).not_null();
    }
  }
};

template <typename T>
requires(std::is_enum_v<T> && !std::is_same_v<T, std::byte>) struct CellOf<T> {
  using Number = std::underlying_type_t<T>;
  static Type type() { return CellOf<Number>::type(); }
  static void append(ColumnBuilder& to, T value) {
    CellOf<Number>::append(to, static_cast<Number>(value));
  }
  static T read(const Column& from, std::size_t row) {
    return static_cast<T>(CellOf<Number>::read(from, row));
  }
  static void put(std::string& out, T value) { bytes::put_number(out, static_cast<Number>(value)); }
  static bool get(std::string_view& in, T& value) { return bytes::get_number(in, value); }
};

// STRING
template <>
struct CellOf<std::string> {
  static Type type() { return Type::string().not_null(); }
  static void append(ColumnBuilder& to, const std::string& value) { to.append_text(value); }
  static std::string read(const Column& from, std::size_t row) {
    return std::string(from.text(row));
  }
  static void put(std::string& out, const std::string& value) { bytes::put_text(out, value); }
  static bool get(std::string_view& in, std::string& value) {
    std::string_view text;
    if (!bytes::get_text(in, text)) return false;
    value = text;
    return true;
  }
};

// BYTES
template <>
struct CellOf<std::vector<std::byte>> {
  static Type type() { return Type::bytes().not_null(); }
  static std::string_view view(const std::vector<std::byte>& value) {
    return {reinterpret_cast<const char*>(value.data()), value.size()};
  }
  static std::vector<std::byte> from(std::string_view text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
  }
  static void append(ColumnBuilder& to, const std::vector<std::byte>& value) {
    to.append_text(view(value));
  }
  static std::vector<std::byte> read(const Column& column, std::size_t row) {
    return from(column.text(row));
  }
  static void put(std::string& out, const std::vector<std::byte>& value) {
    bytes::put_text(out, view(value));
  }
  static bool get(std::string_view& in, std::vector<std::byte>& value) {
    std::string_view text;
    if (!bytes::get_text(in, text)) return false;
    value = from(text);
    return true;
  }
};

// TIMESTAMP_LTZ with as many digits as the duration has; reads any TIMESTAMP.
template <typename D>
struct CellOf<std::chrono::time_point<std::chrono::system_clock, D>> {
  using Time = std::chrono::time_point<std::chrono::system_clock, D>;
  static constexpr int kPrecision =
      std::ratio_less_equal_v<std::milli, typename D::period>
          ? 3
          : (std::ratio_less_equal_v<std::micro, typename D::period> ? 6 : 9);
  using Unit =
      std::conditional_t<(kPrecision <= 6), std::chrono::microseconds, std::chrono::nanoseconds>;
  static Type type() { return Type::timestamp_ltz(kPrecision).not_null(); }
  static void append(ColumnBuilder& to, Time value) {
    to.append<std::int64_t>(std::chrono::duration_cast<Unit>(value.time_since_epoch()).count());
  }
  static Time read(const Column& from, std::size_t row) {
    const std::int64_t value = from.data<std::int64_t>()[row];
    return from.type().units_per_second() == 1'000'000
               ? Time(std::chrono::floor<D>(std::chrono::microseconds(value)))
               : Time(std::chrono::floor<D>(std::chrono::nanoseconds(value)));
  }
  static void put(std::string& out, Time value) {
    bytes::put_number(out, static_cast<std::int64_t>(value.time_since_epoch().count()));
  }
  static bool get(std::string_view& in, Time& value) {
    std::int64_t count = 0;
    if (!bytes::get_number(in, count)) return false;
    value = Time(D(static_cast<typename D::rep>(count)));
    return true;
  }
};

// A type with NULL
template <typename T>
struct CellOf<std::optional<T>> {
  static Type type() { return CellOf<T>::type().with_nullable(true); }
  static void append(ColumnBuilder& to, const std::optional<T>& value) {
    if (value) {
      CellOf<T>::append(to, *value);
    } else {
      to.append_null();
    }
  }
  static std::optional<T> read(const Column& from, std::size_t row) {
    if (from.is_null(row)) return std::nullopt;
    return CellOf<T>::read(from, row);
  }
  static void put(std::string& out, const std::optional<T>& value) {
    CellOf<bool>::put(out, value.has_value());
    if (value) CellOf<T>::put(out, *value);
  }
  static bool get(std::string_view& in, std::optional<T>& value) {
    bool present = false;
    if (!CellOf<bool>::get(in, present)) return false;
    if (!present) {
      value.reset();
      return true;
    }
    return CellOf<T>::get(in, value.emplace());
  }
};

template <typename T>
requires(!std::is_same_v<T, std::byte>) struct CellOf<std::vector<T>> {
  static Type type() { return Type::array(CellOf<T>::type()).not_null(); }
  static void append(ColumnBuilder& to, const std::vector<T>& value) {
    for (const T& element : value) CellOf<T>::append(to.child(0), element);
    to.append_nested();
  }
  static std::vector<T> read(const Column& from, std::size_t row) {
    std::vector<T> value;
    const auto begin = static_cast<std::size_t>(from.offsets()[row]);
    const auto end = static_cast<std::size_t>(from.offsets()[row + 1]);
    value.reserve(end - begin);
    for (std::size_t i = begin; i < end; ++i)
      value.push_back(CellOf<T>::read(*from.children()[0], i));
    return value;
  }
  static void put(std::string& out, const std::vector<T>& value) {
    bytes::put_number(out, static_cast<std::uint32_t>(value.size()));
    for (const T& element : value) CellOf<T>::put(out, element);
  }
  static bool get(std::string_view& in, std::vector<T>& value) {
    std::uint32_t size = 0;
    if (!bytes::get_number(in, size)) return false;
    value.clear();
    for (std::uint32_t i = 0; i < size; ++i) {
      T element{};
      if (!CellOf<T>::get(in, element)) return false;
      value.push_back(std::move(element));
    }
    return true;
  }
};

// MAP
template <typename K, typename V>
struct CellOf<std::map<K, V>> {
  static Type type() { return Type::map(CellOf<K>::type(), CellOf<V>::type()).not_null(); }
  static void append(ColumnBuilder& to, const std::map<K, V>& value) {
    for (const auto& [key, mapped] : value) {
      CellOf<K>::append(to.child(0), key);
      CellOf<V>::append(to.child(1), mapped);
    }
    to.append_nested();
  }
  static std::map<K, V> read(const Column& from, std::size_t row) {
    std::map<K, V> value;
    const auto end = static_cast<std::size_t>(from.offsets()[row + 1]);
    for (auto i = static_cast<std::size_t>(from.offsets()[row]); i < end; ++i)
      value.insert_or_assign(CellOf<K>::read(*from.children()[0], i),
                             CellOf<V>::read(*from.children()[1], i));
    return value;
  }
  static void put(std::string& out, const std::map<K, V>& value) {
    bytes::put_number(out, static_cast<std::uint32_t>(value.size()));
    for (const auto& [key, mapped] : value) {
      CellOf<K>::put(out, key);
      CellOf<V>::put(out, mapped);
    }
  }
  static bool get(std::string_view& in, std::map<K, V>& value) {
    std::uint32_t size = 0;
    if (!bytes::get_number(in, size)) return false;
    value.clear();
    for (std::uint32_t i = 0; i < size; ++i) {
      K key{};
      V mapped{};
      if (!CellOf<K>::get(in, key) || !CellOf<V>::get(in, mapped)) return false;
      value.insert_or_assign(std::move(key), std::move(mapped));
    }
    return true;
  }
};

template <typename T>
concept HasCell = requires(const Column& column, std::string_view& in, T& value) {
  CellOf<T>::type();
  CellOf<T>::read(column, std::size_t{0});
  CellOf<T>::get(in, value);
};

// ----------------------------------------------------------------------------------------------
// rows

// One row. Members, all static: kWidth columns, schema(), and append, read, put and get as CellOf
// has them; `to` and `from` answer the builder or column of a position by [].
template <typename T>
struct RowOf;

template <typename T>
requires(HasCell<T> && !Described<T>) struct RowOf<T> {
  static constexpr std::size_t kWidth = 1;
  static Schema schema() {
    Schema schema;
    schema.add("f0", CellOf<T>::type());
    return schema;
  }
  template <typename Builders>
  static void append(Builders&& to, const T& value) {
    CellOf<T>::append(to[0], value);
  }
  template <typename Columns>
  static T read(Columns&& from, std::size_t row) {
    return CellOf<T>::read(from[0], row);
  }
  static void put(std::string& out, const T& value) { CellOf<T>::put(out, value); }
  static bool get(std::string_view& in, T& value) { return CellOf<T>::get(in, value); }
};

// Pairs and tuples.
template <typename Tuple, std::size_t... kIndex>
struct TupleRow {
  static constexpr std::size_t kWidth = sizeof...(kIndex);
  template <std::size_t kAt>
  using Cell = CellOf<std::tuple_element_t<kAt, Tuple>>;
  static Schema schema() {
    Schema schema;
    (schema.add("f" + std::to_string(kIndex), Cell<kIndex>::type()), ...);
    return schema;
  }
  template <typename Builders>
  static void append(Builders&& to, const Tuple& value) {
    (Cell<kIndex>::append(to[kIndex], std::get<kIndex>(value)), ...);
  }
  template <typename Columns>
  static Tuple read(Columns&& from, std::size_t row) {
    return Tuple(Cell<kIndex>::read(from[kIndex], row)...);
  }
  static void put(std::string& out, const Tuple& value) {
    (Cell<kIndex>::put(out, std::get<kIndex>(value)), ...);
  }
  static bool get(std::string_view& in, Tuple& value) {
    return (Cell<kIndex>::get(in, std::get<kIndex>(value)) && ...);
  }
};
template <typename Tuple, std::size_t... kIndex>
TupleRow<Tuple, kIndex...> tuple_row(std::index_sequence<kIndex...>);

// Columns f0, f1, ...
template <typename... Ts>
struct RowOf<std::tuple<Ts...>>
    : decltype(tuple_row<std::tuple<Ts...>>(std::index_sequence_for<Ts...>())) {};
// Columns f0 and f1
template <typename A, typename B>
struct RowOf<std::pair<A, B>>
    : decltype(tuple_row<std::pair<A, B>>(std::index_sequence_for<A, B>())) {};

template <typename T>
requires(Described<T>) struct RowOf<T> {
  using Members = decltype(describe_row(static_cast<const T*>(nullptr)));
  static constexpr std::size_t kWidth = std::tuple_size_v<Members>;

  // f(index, name, member of *value or of T) for every column
  template <typename Value, typename F>
  static void each(Value& value, F&& f) {
    std::apply(
        [&](const auto&... member) {
          std::size_t index = 0;
          (f(index++, member.name, value.*(member.member)), ...);
        },
        describe_row(static_cast<const T*>(nullptr)));
  }
  template <typename M>
  using Plain = std::remove_cv_t<std::remove_reference_t<M>>;

  static Schema schema() {
    Schema schema;
    const T blank{};
    each(blank, [&](std::size_t, const char* name, const auto& member) {
      schema.add(name, CellOf<Plain<decltype(member)>>::type());
    });
    return schema;
  }
  template <typename Builders>
  static void append(Builders&& to, const T& value) {
    each(value, [&](std::size_t index, const char*, const auto& member) {
      CellOf<Plain<decltype(member)>>::append(to[index], member);
    });
  }
  template <typename Columns>
  static T read(Columns&& from, std::size_t row) {
    T value{};
    each(value, [&](std::size_t index, const char*, auto& member) {
      member = CellOf<Plain<decltype(member)>>::read(from[index], row);
    });
    return value;
  }
  static void put(std::string& out, const T& value) {
    each(value, [&](std::size_t, const char*, const auto& member) {
      CellOf<Plain<decltype(member)>>::put(out, member);
    });
  }
  static bool get(std::string_view& in, T& value) {
    bool ok = true;
    each(value, [&](std::size_t, const char*, auto& member) {
      ok = ok && CellOf<Plain<decltype(member)>>::get(in, member);
    });
    return ok;
  }
};

// A row inside of a column: ROW.
template <typename T>
requires(Described<T>) struct CellOf<T> {
  struct Builders {
    ColumnBuilder& row;
    ColumnBuilder& operator[](std::size_t index) { return row.child(index); }
  };
  struct Columns {
    const Column& row;
    const Column& operator[](std::size_t index) const { return *row.children()[index]; }
  };
  static Type type() { return Type::row(RowOf<T>::schema().fields()).not_null(); }
  static void append(ColumnBuilder& to, const T& value) {
    RowOf<T>::append(Builders{to}, value);
    to.append_nested();
  }
  static T read(const Column& from, std::size_t row) { return RowOf<T>::read(Columns{from}, row); }
  static void put(std::string& out, const T& value) { RowOf<T>::put(out, value); }
  static bool get(std::string_view& in, T& value) { return RowOf<T>::get(in, value); }
};

template <typename T>
concept Element = std::is_default_constructible_v<T> && requires(std::string_view& in, T& value) {
  RowOf<T>::schema();
  RowOf<T>::get(in, value);
};

// ----------------------------------------------------------------------------------------------
// bytes of a value, for state of your own

template <Element T>
std::string to_bytes(const T& value) {
  std::string out;
  RowOf<T>::put(out, value);
  return out;
}
// nullopt when they cannot be a T.
template <Element T>
std::optional<T> from_bytes(std::string_view in) {
  T value{};
  if (!RowOf<T>::get(in, value) || !in.empty()) return std::nullopt;
  return value;
}

}  // namespace slipstream::stream
