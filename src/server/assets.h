// The web page and openapi.json, built into the program: the sources are web/ and src/server.
#pragma once

#include <span>
#include <string_view>

namespace slipstream::server {

struct Asset {
  std::string_view path;  // under which it is served
  std::string_view content_type;
  std::string_view content;
};

std::span<const Asset> assets();

}  // namespace slipstream::server
