// JSON_VALUE: one scalar out of a JSON text. The encoding of its clauses is described at Function.
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <simdjson.h>

#include "base/try.h"
#include "data/text/number.h"
#include "expr/json_path.h"
#include "expr/kernel.h"
#include "expr/registry.h"
#include "expr/type_rules.h"

namespace slipstream::expr {

namespace {

namespace dom = simdjson::dom;

// What a path leads to.
struct Empty {};
struct Failed {
  std::string reason;
};
using Found = std::variant<dom::element, Empty, Failed>;

// Kept from batch to batch: the parser's memory and the last path.
struct Memo {
  dom::parser parser;
  std::string padded;
  std::string path_text;
  std::optional<Result<JsonPath>> path;
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

bool step_into(dom::element& at, const JsonStep& step) {
  if (!step.is_index) {
    dom::object object;
    return at.get_object().get(object) == simdjson::SUCCESS &&
           object.at_key(step.member).get(at) == simdjson::SUCCESS;
  }
  dom::array array;
  if (at.get_array().get(array) != simdjson::SUCCESS) return false;
  const auto size = static_cast<std::int64_t>(array.size());
  const std::int64_t index = step.index < 0 ? size + step.index : step.index;
  return index >= 0 && index < size &&
         array.at(static_cast<std::size_t>(index)).get(at) == simdjson::SUCCESS;
}

Found find(Memo& memo, std::string_view json, const JsonPath& path) {
  memo.padded.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  memo.padded.assign(json);
  dom::element at;
  const auto error = memo.parser.parse(memo.padded.data(), memo.padded.size(), false).get(at);
  if (error != simdjson::SUCCESS)
    return Failed{std::string("the text is no JSON: ") + simdjson::error_message(error)};
  for (const JsonStep& step : path.steps) {
    if (step_into(at, step)) continue;
    if (path.lax) return Empty{};
    return Failed{"no value at '" + memo.path_text + "'"};
  }
  if (at.is_null()) return Empty{};
  if (at.is_object() || at.is_array()) {
    if (path.lax) return Empty{};
    return Failed{"the value at '" + memo.path_text + "' is an object or array"};
  }
  return at;
}

// --- the value in the RETURNING type; false when it has another one ---

bool set_value(TextResult& result, std::size_t row, const dom::element& value) {
  std::string text;
  switch (value.type()) {
    case dom::element_type::STRING:
      result.set(row, std::string_view(value.get_string().value_unsafe()));
      return true;
    case dom::element_type::INT64:
      text::append_integer(value.get_int64().value_unsafe(), text);
      break;
    case dom::element_type::UINT64:
      text = std::to_string(value.get_uint64().value_unsafe());
      break;
    case dom::element_type::DOUBLE:
      text::append_double(value.get_double().value_unsafe(), text);
      break;
    default:
      text = value.get_bool().value_unsafe() ? "true" : "false";
  }
  result.set(row, text);
  return true;
}

bool set_value(FixedResult<std::uint8_t>& result, std::size_t row, const dom::element& value) {
  bool truth = false;
  if (value.get_bool().get(truth) != simdjson::SUCCESS) return false;
  result.set(row, static_cast<std::uint8_t>(truth));
  return true;
}

bool set_value(FixedResult<std::int32_t>& result, std::size_t row, const dom::element& value) {
  std::int64_t number = 0;
  if (!value.is_int64() || value.get_int64().get(number) != simdjson::SUCCESS) return false;
  if (number < std::numeric_limits<std::int32_t>::min() ||
      number > std::numeric_limits<std::int32_t>::max()) {
    return false;
  }
  result.set(row, static_cast<std::int32_t>(number));
  return true;
}

bool set_value(FixedResult<double>& result, std::size_t row, const dom::element& value) {
  double number = 0;
  if (!value.is_number() || value.get_double().get(number) != simdjson::SUCCESS) return false;
  result.set(row, number);
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

template <typename R>
ColumnPtr kernel(KernelContext& ctx, std::span<const ColumnPtr> args, const Type& type) {
  constexpr std::size_t kOnEmpty = 2;
  constexpr std::size_t kOnError = 4;
  R result(type, ctx.rows());
  Memo& memo = memo_of(ctx);
  each_complete_row(ctx, args.first(2), result, [&](std::size_t row) {
    const Result<JsonPath>& path = path_of(memo, args[1]->text(row));
    if (!path.ok()) {
      ctx.fail(row, path.error().message);
      return result.set_null(row);
    }
    const Found found = find(memo, args[0]->text(row), *path);
    if (const auto* failed = std::get_if<Failed>(&found)) {
      return behave(ctx, args, kOnError, row, failed->reason, result);
    }
    if (std::holds_alternative<Empty>(found)) {
      return behave(ctx, args, kOnEmpty, row, "no value at '" + memo.path_text + "'", result);
    }
    if (!set_value(result, row, std::get<dom::element>(found))) {
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
