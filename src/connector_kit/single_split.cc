#include "connector_kit/single_split.h"

#include <utility>

namespace slipstream::connector_kit {
namespace {

class SingleSplit final : public SplitEnumerator {
 public:
  SingleSplit(Split split, bool given) : split_(std::move(split)), given_(given) {}
  Result<Discovery> discover() override {
    Discovery discovery;
    if (!given_) discovery.added.push_back(split_);
    given_ = true;
    discovery.complete = true;
    return discovery;
  }
  std::string snapshot() override { return "1"; }

 private:
  const Split split_;
  bool given_;
};

}  // namespace

Result<std::unique_ptr<SplitEnumerator>> make_single_split(Split split,
                                                           const EnumeratorContext& context) {
  return std::unique_ptr<SplitEnumerator>(
      std::make_unique<SingleSplit>(std::move(split), context.has_restored));
}

}  // namespace slipstream::connector_kit
