// Pages of memory that the system has promised but not yet given.
#pragma once
#include <cstddef>

namespace bptt {

// Lets the system give the pages that lie wholly in a range at once: faster than one after the other as they are written. A hint: nothing changes where the
// system cannot or the pages are there.
void touchPages(void* begin, size_t bytes);

}  // namespace bptt
