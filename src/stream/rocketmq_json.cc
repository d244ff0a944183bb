#include "slipstream/stream/rocketmq_schemas.h"

#include "base/try.h"
#include "format/format.h"

namespace slipstream::stream::erased {

class JsonBody::Impl {
 public:
  static Result<std::unique_ptr<Impl>> make(const Schema& schema) {
    auto impl = std::unique_ptr<Impl>(new Impl(schema));
    TRY_ASSIGN(const format::Format* json, format::find_format("json"));
    TRY_ASSIGN(const Options options, json->options.parse({}, "JSON schema"));
    TRY_ASSIGN(impl->encoder_, json->make_encoder(schema, options));
    return impl;
  }
  Result<std::string> encode(const Append& append) {
    append(row_);
    TRY(encoder_->encode(batch_, 0, batch_.rows(), bodies_));
    std::string body(bodies_[0]);
    bodies_.clear();
    return body;
  }

 private:
  explicit Impl(const Schema& schema)
      : row_(schema, 1, [this](Batch&& batch) { batch_ = std::move(batch); }) {}
  RowWriter row_;
  Batch batch_;
  std::unique_ptr<format::RowEncoder> encoder_;
  format::EncodedBodies bodies_;
};

JsonBody::JsonBody() = default;
JsonBody::~JsonBody() = default;
JsonBody::JsonBody(const JsonBody&) {}

std::string JsonBody::encode(const Schema& schema, const Append& append) {
  if (!impl_) {
    auto made = Impl::make(schema);
    if (!made.ok()) throw Failure(made.error());
    impl_ = std::move(*made);
  }
  auto body = impl_->encode(append);
  if (!body.ok()) throw Failure(body.error());
  return std::move(*body);
}

}  // namespace slipstream::stream::erased
