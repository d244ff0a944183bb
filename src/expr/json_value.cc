// JSON_VALUE: one scalar out of a JSON text. The encoding of its clauses is described at Function.
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/try.h"
#include "data/text/json_string.h"
#include "data/text/number.h"
#include "expr/json_document.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

// Kept from batch to batch: the last path.
struct Memo {
  std::string path_text;
  std::optional<Result<JsonPath>> path;
  std::string scratch;
};

Memo& memo_of(KernelContext& ctx) {
  if (ctx.memo() == nullptr) ctx.memo() = std::make_shared<Memo>();
  return *static_cast<Memo*>(ctx.memo().get());
}

const Result<JsonPath>& path_of(Memo& memo, std::string_view text) {
  if (!memo.path || memo.path_text != text) {
    memo.path_text = text;
    memo.path = JsonPath::parse(text);
  }
  return *memo.path;
}

// What a path without a scalar at its end means.
struct Absence {
  bool is_error = false;  // ON ERROR, else ON EMPTY
  std::string reason;
};

// As Flink: in lax mode everything is empty, even a text that is no JSON; in strict mode all of it
// is an error.
std::optional<Absence> absence_of(JsonKind kind, const JsonPath& path, const std::string& text) {
  const auto absent = [&path](std::string reason) { return Absence{!path.lax, std::move(reason)}; };
  switch (kind) {
    case JsonKind::kNoJson:
      return absent("the text is no JSON");
    case JsonKind::kMissing:
      return absent("no value at '" + text + "'");
    case JsonKind::kNull:
      return absent("the value at '" + text + "' is null");
    case JsonKind::kContainer:
      return absent("the value at '" + text + "' is an object or array");
    default:
      return std::nullopt;
  }
}

// --- the value in the RETURNING type; false when it has another one ---

bool set_value(TextResult& result, std::size_t row, const JsonFound& found, std::string& scratch) {
  const bool has_escapes =
      found.kind == JsonKind::kString && found.token.find('\\') != std::string_view::npos;
  if (found.kind == JsonKind::kNumber) {
    result.set(row, java_number_text(found.token));
  } else if (has_escapes) {
    scratch.clear();
    text::append_unescaped_json(found.token, scratch);
    result.set(row, scratch);
  } else {
    result.set_view(row, found.token);
  }
  return true;
}

bool set_value(FixedResult<std::uint8_t>& result, std::size_t row, const JsonFound& found,
               std::string& /*scratch*/) {
  if (found.kind != JsonKind::kBoolean) return false;
  result.set(row, static_cast<std::uint8_t>(found.token == "true"));
  return true;
}

bool set_value(FixedResult<std::int32_t>& result, std::size_t row, const JsonFound& found,
               std::string& /*scratch*/) {
  if (found.kind != JsonKind::kNumber || !is_whole_number(found.token)) return false;
  const char* end = found.token.data() + found.token.size();
  std::int32_t number = 0;
  if (std::from_chars(found.token.data(), end, number).ec != std::errc()) return false;
  result.set(row, number);
  return true;
}

bool set_value(FixedResult<double>& result, std::size_t row, const JsonFound& found,
               std::string& /*scratch*/) {
  if (found.kind != JsonKind::kNumber) return false;
  const std::optional<double> number = text::parse_double(found.token);
  if (!number) return false;
  result.set(row, *number);
  return true;
}

void set_default(TextResult& result, std::size_t row, const Column& value) {
  result.set(row, value.text(row));
}
template <typename T>
void set_default(FixedResult<T>& result, std::size_t row, const Column& value) {
  result.set(row, value.data<T>()[row]);
}

// ON EMPTY stands at arguments 2 and 3, ON ERROR at 4 and 5.
template <typename R>
void behave(KernelContext& ctx, std::span<const ColumnPtr> args, std::size_t clause,
            std::size_t row, const std::string& reason, R& result) {
  const std::string_view behaviour = args.size() > clause && !args[clause]->is_null(row)
                                         ? args[clause]->text(row)
                                         : std::string_view("NULL");
  if (behaviour == "ERROR") ctx.fail(row, reason);
  if (behaviour == "DEFAULT" && args.size() > clause + 1 && !args[clause + 1]->is_null(row)) {
    return set_default(result, row, *args[clause + 1]);
  }
  result.set_null(row);
}

void pin(TextResult& result, const Column& json) { result.pin(json); }
template <typename T>
void pin(FixedResult<T>& /*result*/, const Column& /*json*/) {}

template <typename R>
ColumnPtr kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  constexpr std::size_t kOnEmpty = 2;
  constexpr std::size_t kOnError = 4;
  R result(type, ctx.rows());
  pin(result, *args[0]);
  Memo& memo = memo_of(ctx);
  each_complete_row(ctx, args.first(2), result, [&](std::size_t row) {
    const Result<JsonPath>& path = path_of(memo, args[1]->text(row));
    if (!path.ok()) {
      ctx.fail(row, path.error().message);
      return result.set_null(row);
    }
    const JsonFound found = find_json(args[0]->text(row), *path);
    if (const auto absence = absence_of(found.kind, *path, memo.path_text)) {
      return behave(ctx, args, absence->is_error ? kOnError : kOnEmpty, row, absence->reason,
                    result);
    }
    if (!set_value(result, row, found, memo.scratch)) {
      ctx.fail(row, "the value at '" + memo.path_text + "' is no " +
                        type.with_nullable(true).to_string());
      result.set_null(row);
    }
  });
  return result.finish();
}

Function json_value(const std::string& name, const Type& returning, Kernel with) {
  Function function;
  function.name = name;
  function.usage =
      "JSON_VALUE(json, path [RETURNING type] [{NULL | ERROR | DEFAULT value} ON EMPTY] [... ON "
      "ERROR])";
  function.description = "The scalar at a path, as " + returning.to_string() + ".";
  function.resolve = [name, usage = function.usage,
                      returning](std::span<const Type> args) -> Result<Signature> {
    if (args.size() < 2 || args.size() > 6 || args.size() % 2 != 0)
      return signature_error(name, args, usage);
    std::vector<Type> targets;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const bool is_default = i == 3 || i == 5;
      const bool is_null = args[i].kind() == TypeKind::kNull;
      if (is_default ? cast_rule(args[i], returning) == CastRule::kNever
                     : !args[i].is_text() && !is_null) {
        return signature_error(name, args, usage);
      }
      if (is_default) {
        targets.push_back(returning.with_nullable(args[i].nullable()));
      } else {
        targets.push_back(is_null ? Type::string() : args[i]);
      }
    }
    return Signature{std::move(targets), returning};
  };
  function.check = [](std::span<const ColumnPtr> constants) -> Status {
    if (constants[1] == nullptr || constants[1]->is_null(0)) return {};
    return JsonPath::parse(constants[1]->text(0)).status();
  };
  function.kernel = std::move(with);
  return function;
}

}  // namespace

void add_json_value(Functions& out) {
  out.push_back(json_value("JSON_VALUE", Type::string(), kernel<TextResult>));
  out.push_back(
      json_value("JSON_VALUE_BOOLEAN", Type::boolean(), kernel<FixedResult<std::uint8_t>>));
  out.push_back(
      json_value("JSON_VALUE_INTEGER", Type::integer(), kernel<FixedResult<std::int32_t>>));
  out.push_back(json_value("JSON_VALUE_DOUBLE", Type::float64(), kernel<FixedResult<double>>));
}

}  // namespace slipstream::expr
