// Looking at numbers that come from outside.
#pragma once
#include <cstddef>

namespace bptt {

// Copies `count` numbers and tells whether every one of them is finite. The two ranges may overlap only where they are the same.
bool copyFinite(const float* from, float* to, size_t count);

}  // namespace bptt
