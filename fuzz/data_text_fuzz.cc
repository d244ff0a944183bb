// Values as text: what a text stands for prints as a text that stands for the same. The first byte
// chooses the type.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/try.h"
#include "base/utf8.h"
#include "data/text/json_string.h"
#include "data/text/number.h"
#include "data/text/temporal.h"
#include "data/text/time_zone.h"
#include "data/text/value.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void read_value(const Type& type, const TimeZone& zone, std::string_view content) {
  ColumnBuilder builder(type);
  if (!text::parse(content, zone, builder)) {
    CHECK(builder.size() == 0 && !text::parse_failure(content, type).empty());
    return;
  }
  const std::string printed = text::to_text(*builder.finish(), 0, zone);
  CHECK(text::parse(printed, zone, builder));
  CHECK(text::to_text(*builder.finish(), 0, zone) == printed);
}

void read_times(std::string_view content) {
  for (const int precision : {0, 3, 9}) {
    for (const text::TimestampForm& form : {text::kSqlForm, text::kIsoForm}) {
      const auto local = text::parse_timestamp_as(form, content, precision);
      if (local) {
        std::string printed;
        text::append_timestamp(*local, precision, printed, form.separator);
        CHECK(text::parse_timestamp_as(form, printed, precision) == local);
      }
      static_cast<void>(text::parse_instant_as(form, content, precision));
    }
  }
  const auto zone = TimeZone::from_name(content);
  if (zone.ok()) {
    for (const std::int64_t value : {INT64_C(-62'135'596'800), INT64_C(0), INT64_C(1'700'000'000)})
      static_cast<void>(zone->to_local(zone->from_local(value, 1), 1));
  }
}

void read_json(std::string_view content) {
  std::string quoted;
  text::append_json_string(content, quoted);
  std::string back;
  CHECK(text::append_unescaped_json(std::string_view(quoted).substr(1, quoted.size() - 2), back));
  bool is_utf8 = true;
  for (std::size_t at = 0; at < content.size();)
    is_utf8 = decode_utf8(content, at) != kInvalidCodePoint && is_utf8;
  CHECK(!is_utf8 || back == content);
  std::string unescaped;
  static_cast<void>(text::append_unescaped_json(content, unescaped));
  CHECK(unescaped.size() <= content.size());
  CHECK(text::with_escaped_controls(content).size() <= 6 * content.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view content = as_text({data + 1, size - 1});
  const Type types[] = {Type::boolean(),      Type::tinyint(),       Type::integer(),
                        Type::bigint(),       Type::float32(),       Type::float64(),
                        Type::decimal(20, 3), Type::decimal(38, 38), Type(TypeKind::kChar, 5),
                        Type::string(),       Type::date(),          Type::time(3),
                        Type::timestamp(3),   Type::timestamp(9),    Type::timestamp_ltz(6)};
  static const TimeZone shanghai = *TimeZone::from_name("Asia/Shanghai");
  read_value(types[data[0] % std::size(types)], shanghai, content);
  read_times(content);
  read_json(content);
  CHECK(text::first_code_points(content, 3).size() <= content.size());
  return 0;
}
