// Properties and small texts: what the cursor gives out, the builder takes (unless a value is
// empty), and the first property of a name is the one that is found.
#include "base/bytes.h"
#include "base/try.h"
#include "rocketmq/message/message_id.h"
#include "rocketmq/message/properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace rocketmq = slipstream::rocketmq;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  rocketmq::PropertyCursor cursor(text);
  rocketmq::PropertyView each;
  while (cursor.next(each)) {
    CHECK(!each.name.empty());
    CHECK(rocketmq::find_property(text, each.name).has_value());
    rocketmq::PropertiesBuilder builder;
    const bool plain = !each.value.empty() && each.value.find('\x01') == std::string_view::npos;
    CHECK(builder.add(each.name, each.value).ok() == plain);
    if (plain) CHECK(rocketmq::find_property(builder.text(), each.name) == each.value);
  }
  const std::int32_t hash = rocketmq::java_hash(text);
  CHECK(hash == rocketmq::java_hash(std::string(text)));
  for (const std::string& tag : rocketmq::parse_tag_expression(text)) CHECK(!tag.empty());
  const auto id = rocketmq::decode_offset_message_id(text);
  if (id.ok()) {
    std::string raw;
    CHECK(slipstream::from_hex(
        rocketmq::encode_offset_message_id(id->ip_bytes(), id->port, id->physical_offset), raw));
    std::string given;
    CHECK(slipstream::from_hex(text, given) && raw == given);
  }
  return 0;
}
