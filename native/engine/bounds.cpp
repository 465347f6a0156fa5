#include <algorithm>

#include "base/checked.h"
#include "engine/decode_parts.h"

namespace bptt {
namespace {

struct SlotRange {
  Checked lowest, highest;
};

SlotRange slotsOf(const Operand& operand, int64_t steps) {
  if (operand.stepSlots == 0) return {Checked(operand.stepShift), Checked(operand.stepShift) + Checked(steps - 1)};
  const int64_t slots = operand.stepSlots;
  const int64_t first = ((operand.stepShift % slots) + slots) % slots;
  if (first + steps > slots) return {0, slots - 1};  // wraps around
  return {first, first + steps - 1};
}

}  // namespace

int64_t Operand::elements() const {
  int64_t product = 1;
  for (int32_t axis = 0; axis < rank; axis++) product *= dimensions[axis];
  return product;
}

int64_t Operand::stepOffset(int64_t step) const {
  if (stepStride == 0) return 0;
  int64_t slot = step + stepShift;
  if (stepSlots != 0) {
    slot %= static_cast<int64_t>(stepSlots);
    if (slot < 0) slot += stepSlots;
  }
  return slot * stepStride;
}

bool extentOf(const Operand& operand, int64_t steps, Extent& extent) {
  Checked lowest(operand.offset), highest(operand.offset);
  for (int32_t axis = 0; axis < operand.rank; axis++) {
    const Checked reach = Checked(operand.dimensions[axis] - 1) * Checked(operand.strides[axis]);
    if (!reach.valid()) return false;
    (reach.value() < 0 ? lowest : highest) = (reach.value() < 0 ? lowest : highest) + reach;
  }
  if (operand.stepStride != 0) {
    const SlotRange slots = slotsOf(operand, steps);
    const Checked one = slots.lowest * Checked(operand.stepStride), other = slots.highest * Checked(operand.stepStride);
    if (!one.valid() || !other.valid()) return false;
    lowest = lowest + Checked(std::min(one.value(), other.value()));
    highest = highest + Checked(std::max(one.value(), other.value()));
  }
  extent = {lowest.value(), highest.value()};
  return lowest.valid() && highest.valid();
}

}  // namespace bptt
