// Errors as values: Error, Status and Result<T>.
//
// Result has the interface of std::expected (C++23), which GCC 12 and clang 14 lack in C++20 mode.
// Everything that input, network, disk or a user can cause is reported through these types; the
// library throws no exception across its public interface.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace slipstream {

// What kind of failure it was. Decides nothing by itself: whether to try again is Error::retryable.
enum class ErrorCode : unsigned char {
  kInvalidArgument,    // the caller's or user's mistake: bad option, bad SQL, bad value
  kNotFound,           // topic, table, file, column or offset that does not exist
  kAlreadyExists,      //
  kPermissionDenied,   // the peer or the operating system said no
  kOutOfRange,         // offset outside the retained range, number outside its type
  kCorrupt,            // bytes that cannot be what they claim to be
  kUnavailable,        // peer cannot be reached or refuses work for now
  kTimeout,            // no answer before the deadline: the outcome is unknown
  kResourceExhausted,  // a memory, disk or size limit was reached
  kCancelled,          // stopped on purpose
  kUnsupported,        // a known thing that this version or this peer cannot do
  kDataError,          // a row that cannot be processed (1/0, failed CAST, poison body)
  kInternal,           // a bug of ours that was caught in time
  kUserCode,           // an exception out of code that was given to the library
};

// The name of a code as it is printed: "invalid argument", "not found", ...
std::string_view error_code_name(ErrorCode code);

// One failure. Context is put in front, once per layer, by `with_context`:
// "reading queue 3 of topic t at offset 42: connection reset".
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  bool retryable = false;  // decided where the failure arises

  static Error retry(ErrorCode code, std::string message) {
    return Error{code, std::move(message), true};
  }
  Error with_context(std::string_view context) &&;
  Error with_context(std::string_view context) const&;
  // "not found: no topic 't'"
  std::string to_string() const;
};

// Success or an Error. One pointer wide; success allocates nothing.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error)
      : error_(std::make_shared<const Error>(std::move(error))) {}  // NOLINT: implicit on purpose

  bool ok() const { return error_ == nullptr; }
  explicit operator bool() const { return ok(); }
  // REQUIRES: !ok()
  const Error& error() const { return *error_; }
  Status with_context(std::string_view context) const {
    return ok() ? Status() : Status(error_->with_context(context));
  }
  std::string to_string() const { return ok() ? "ok" : error_->to_string(); }

 private:
  std::shared_ptr<const Error> error_;
};

// A T or an Error.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose
  // REQUIRES: !status.ok()
  Result(const Status& status) : state_(std::in_place_index<1>, status.error()) {}  // NOLINT
  // The constraint keeps copies and moves with their own constructors.
  template <typename U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error> &&
           !std::is_same_v<std::remove_cvref_t<U>, Status>) Result(U&& value)  // NOLINT
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}

  bool ok() const { return state_.index() == 0; }
  bool has_value() const { return ok(); }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok()
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  template <typename U>
  T value_or(U&& other) const& {
    return ok() ? **this : static_cast<T>(std::forward<U>(other));
  }

  // REQUIRES: !ok()
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }
  Status status() const { return ok() ? Status() : Status(error()); }
  Result with_context(std::string_view context) && {
    if (ok()) return std::move(*this);
    return std::get<1>(std::move(state_)).with_context(context);
  }

 private:
  std::variant<T, Error> state_;
};

}  // namespace slipstream
