// What a server reads: records of jobs, bodies of requests, its token, and names in paths. A record
// that was read is written so that it reads back the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/try.h"
#include "file_with.h"
#include "server/job_record.h"
#include "server/json_body.h"
#include "server/token_file.h"

namespace {

using namespace slipstream;  // NOLINT: one file

void read_record(const std::string& text) {
  const auto record = server::decode_record(text);
  if (!record.ok()) return;
  CHECK(server::is_name(record->name) && server::is_name(record->checkpoint_dir));
  const std::string written = server::encode_record(*record);
  const auto again = server::decode_record(written);
  CHECK(again.ok() && server::encode_record(*again) == written);
  CHECK(again->sql == record->sql && again->settings == record->settings);
}

void read_body(const std::string& text) {
  server::BodyReader reader(text, {"sql", "settings", "wanted", "rows_max"});
  const std::string sql = reader.required_text("sql");
  CHECK(!sql.empty() || !reader.status().ok());
  static_cast<void>(reader.texts("settings"));
  static_cast<void>(reader.flag("wanted"));
  static_cast<void>(reader.integer("rows_max", -1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(as_text({data, size}));
  read_record(text);
  read_body(text);
  CHECK(!server::is_name(text) || text.find('/') == std::string::npos);
  const fuzz::FileWith file(data, size);
  const auto token = server::read_token(file.path());
  CHECK(!token.ok() || token->size() >= 16);
  return 0;
}
