#include <algorithm>

#include "engine/decode_parts.h"

namespace bptt {
namespace {

using namespace format;

struct OperationTraits {
  uint8_t sources;
  uint8_t cycles;  // per vector of elements: what scheduling assumes
};

// By map operation number.
constexpr OperationTraits traits[] = {
    {1, 1}, {2, 1}, {2, 1}, {2, 1}, {2, 4},  {2, 2},  {2, 2}, {2, 20}, {3, 1},  {1, 1}, {1, 7}, {1, 10}, {1, 6},
    {1, 1}, {1, 1}, {1, 1}, {1, 15}, {1, 15}, {1, 9}, {1, 8}, {1, 1},  {1, 15}, {2, 2}, {2, 2}, {2, 1},  {2, 1},
    {2, 1}, {3, 1}, {2, 1}, {2, 1}, {1, 1},  {1, 1},  {1, 1}, {1, 1},  {2, 1},  {2, 1}, {2, 3}, {2, 1},  {2, 1},
    {2, 1}, {2, 1}, {2, 1}, {1, 1}, {1, 1},  {2, 1},  {3, 2}, {3, 1},  {3, 1},  {1, 9}, {1, 10}, {1, 4}};
static_assert(sizeof traits / sizeof *traits == mapOperations, "one row for every map operation");

constexpr const char* sourceNames[] = {"a", "b", "c"};

class MapDecoder {
 public:
  MapDecoder(const uint32_t* entry, MapProgram& map) : entry_(entry), map_(map) {}

  Fault run() {
    const uint32_t constants = entry_[mapConstants], instructions = entry_[mapInstructions];
    map_.registerCount = static_cast<int32_t>(entry_[mapRegisters]);
    map_.constants.assign(entry_ + mapHeader, entry_ + mapHeader + constants);
    const uint32_t* words = entry_ + mapHeader + constants;
    for (uint32_t index = 0; index < instructions; index++, words += mapInstructionWords) {
      const Fault fault = instruction(words);
      if (!fault.empty()) return textOf("instruction ", index, ": ", fault);
    }
    if ((outputs_ & (outputs_ + 1)) != 0) return "a lower output is never written";
    for (uint32_t rest = outputs_; rest != 0; rest >>= 1) map_.outputsWritten++;
    if (map_.outputsWritten == 0) return "no output is written";
    return {};
  }

 private:
  Fault instruction(const uint32_t* words) {
    const uint32_t op = words[0];
    if (op >= mapOperations) return textOf("operation ", op, " is unknown");
    for (uint32_t index = 0; index < 3; index++) {
      const Fault fault = index < traits[op].sources ? source(words[2 + index])
                          : words[2 + index] != 0    ? textOf("unused source is ", words[2 + index], ", expected 0")
                                                     : Fault();
      if (!fault.empty()) return textOf("source ", sourceNames[index], ": ", fault);
    }
    const Fault fault = destination(words[1]);
    if (!fault.empty()) return fault;
    map_.cyclesPerVector += traits[op].cycles + 1;
    map_.code.push_back({static_cast<int32_t>(op), static_cast<int32_t>(words[1]), static_cast<int32_t>(words[2]),
                         static_cast<int32_t>(words[3]), static_cast<int32_t>(words[4])});
    return {};
  }

  Fault source(uint32_t place) {
    if (place < maximumRegisters) {
      if (place >= static_cast<uint32_t>(map_.registerCount)) return textOf("register ", place, " of ", map_.registerCount);
      return (registers_ >> place) & 1 ? Fault() : textOf("register ", place, " is read before it is written");
    }
    if (place >= mapWrittenBase) {
      const uint32_t output = place - mapWrittenBase;
      const bool written = output < maximumOutputs && ((outputs_ >> output) & 1);
      return written ? Fault() : textOf("output ", output, " is read before it is written");
    }
    if (place >= mapConstantBase) {
      const uint32_t constant = place - mapConstantBase;
      return constant < map_.constants.size() ? Fault() : textOf("constant ", constant, " of ", map_.constants.size());
    }
    if (place < mapInputBase || place >= mapInputBase + maximumInputs) return textOf("place ", place, " is nothing to read");
    map_.inputsNeeded = std::max(map_.inputsNeeded, static_cast<int32_t>(place - mapInputBase + 1));
    return {};
  }

  Fault destination(uint32_t place) {
    if (place < static_cast<uint32_t>(map_.registerCount)) {
      registers_ |= uint32_t{1} << place;
      return {};
    }
    if (place < mapInputBase || place >= mapInputBase + maximumOutputs) return textOf("destination ", place, " is nothing to write");
    outputs_ |= uint32_t{1} << (place - mapInputBase);
    return {};
  }

  const uint32_t* entry_;
  MapProgram& map_;
  uint32_t registers_ = 0, outputs_ = 0;  // written so far, one bit each
};

Fault entryAt(const uint32_t* entry, size_t available, size_t& words) {
  if (available < mapHeader) return "the table ends inside the entry";
  if (entry[mapInstructions] < 1 || entry[mapInstructions] > maximumMapInstructions) {
    return textOf(entry[mapInstructions], " instructions, expected 1 to ", +maximumMapInstructions);
  }
  if (entry[mapConstants] > maximumConstants) return textOf(entry[mapConstants], " constants, at most ", +maximumConstants);
  if (entry[mapRegisters] > maximumRegisters) return textOf(entry[mapRegisters], " registers, at most ", +maximumRegisters);
  words = mapHeader + entry[mapConstants] + size_t{entry[mapInstructions]} * mapInstructionWords;
  return words <= available ? Fault() : Fault("the table ends inside the entry");
}

}  // namespace

Fault decodeMaps(const uint32_t* table, size_t count, std::vector<MapProgram>& maps) {
  size_t words = 0;
  for (size_t position = 0; position < count; position += words) {
    Fault fault = entryAt(table + position, count - position, words);
    if (fault.empty()) {
      maps.push_back({static_cast<uint32_t>(position), 0, 0, 0, 0, {}, {}});
      fault = MapDecoder(table + position, maps.back()).run();
    }
    if (!fault.empty()) return textOf("map entry ", position, ": ", fault);
  }
  return {};
}

}  // namespace bptt
