// Bodies of requests, checked field by field.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "slipstream/status.h"

namespace slipstream::server {

// Reads the fields of a JSON object; the first thing that is wrong with it is in status().
// Thread: one.
class BodyReader {
 public:
  // An empty text is an empty object. Refuses other fields than these, with the nearest name.
  BodyReader(const std::string& text, std::initializer_list<std::string_view> fields);
  ~BodyReader();

  std::string required_text(const char* field);
  std::string text(const char* field);
  bool flag(const char* field);
  std::int64_t integer(const char* field, std::int64_t otherwise);
  std::map<std::string, std::string> texts(const char* field);
  const Status& status() const { return status_; }

 private:
  struct State;
  void refuse(std::string why);
  std::unique_ptr<State> state_;
  Status status_;
};

}  // namespace slipstream::server
