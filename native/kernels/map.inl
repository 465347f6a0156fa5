// The interpreter of map programs: isa/table.h, MapArguments.
//
// The R × C elements are cut into blocks of a few hundred, and each instruction runs over a whole block before the next one begins: fetching an
// instruction then costs little beside its work, while the registers, one block each, stay in the first-level cache. Operands are read
// and written where they lie whenever a row is a run of whole vectors (column stride 1) or one repeated value (column stride 0);
// everything else is staged: copied into dense scratch, computed there, and copied back. Staged are other column strides, the last
// few columns of rows that are no multiple of a vector (those of many rows together), and an output that shares its memory with an
// input which a later instruction still reads.

namespace bptt {
namespace BPTT_ISA {
namespace {

constexpr int kMapRegisters = 32, kMapOperands = 40, kMapConstants = 32, kMapInstructions = 256;
constexpr ptrdiff_t kSmallBlock = 256, kLargeBlock = 512;  // elements
// A vector of padding: the last store into a dense block may hang over its end.
constexpr ptrdiff_t kBlockPadding = 16;
constexpr size_t kMapScratchBytes =
    sizeof(float) * ((kMapRegisters + kMapOperands) * (kSmallBlock + kBlockPadding) + (kMapConstants + kMapOperands) * kLanes);

struct DecodedInstruction {
  MapHandler handler;
  uint8_t to, a, b, c;  // places in MapProgram::spans
};

struct MapProgram {
  int inputCount, operandCount;
  ptrdiff_t rows, columns;
  int codeLength;
  ptrdiff_t blockSize;
  DecodedInstruction code[kMapInstructions];
  MapOperand view[kMapOperands];    // after swapping and merging
  bool deferred[kMapOperands];      // an output that must not be written before the block is done
  float* staging[kMapOperands];
  float* repeated[kMapOperands];    // a vector of one value, for operands that repeat one
  Span spans[kMapRegisters + kMapOperands + kMapConstants];
};

BPTT_INLINE uint8_t placeOfSource(const MapProgram& program, int32_t source) {
  if (source < 64) return static_cast<uint8_t>(source);
  if (source >= 192) return static_cast<uint8_t>(kMapRegisters + program.inputCount + source - 192);
  return static_cast<uint8_t>(source < 128 ? kMapRegisters + source - 64 : kMapRegisters + kMapOperands + source - 128);
}

void decodeMap(MapProgram& program, const MapArguments& arguments) {
  program.codeLength = arguments.codeLength;
  for (int i = 0; i < arguments.codeLength; ++i) {
    const MapInstruction& from = arguments.code[i];
    DecodedInstruction& to = program.code[i];
    to.handler = kMapHandlers[from.op];
    to.to = static_cast<uint8_t>(from.destination < 64 ? from.destination
                                                       : kMapRegisters + program.inputCount + from.destination - 64);
    to.a = placeOfSource(program, from.a);
    to.b = placeOfSource(program, from.b);
    to.c = placeOfSource(program, from.c);
  }
}

// Chooses the better of the two readings of the same elements: a single long row where every operand allows it, and otherwise rows along
// which the outputs are contiguous.
void chooseView(MapProgram& program, const MapArguments& arguments) {
  program.rows = arguments.rows;
  program.columns = arguments.columns;
  const MapOperand& output = arguments.operands[program.inputCount];
  const bool swap = arguments.columns == 1 || (arguments.rows > 1 && output.rowStride == 1 && output.columnStride != 1);
  if (swap) {
    program.rows = arguments.columns;
    program.columns = arguments.rows;
  }
  bool merge = program.rows > 1;
  for (int i = 0; i < program.operandCount; ++i) {
    const MapOperand& from = arguments.operands[i];
    MapOperand& to = program.view[i];
    to.data = from.data;
    to.rowStride = swap ? from.columnStride : from.rowStride;
    to.columnStride = swap ? from.rowStride : from.columnStride;
    if (program.columns == 1) to.columnStride = 1;
    merge = merge && to.rowStride == to.columnStride * program.columns;
  }
  if (merge) {
    program.columns *= program.rows;
    program.rows = 1;
  }
  if (program.rows == 1) {
    for (int i = 0; i < program.operandCount; ++i) program.view[i].rowStride = 0;
  }
}

bool sharesMemoryWithInput(const MapProgram& program, int output) {
  for (int input = 0; input < program.inputCount; ++input) {
    if (program.view[input].data == program.view[output].data) return true;
  }
  return false;
}

// An output over an input's memory waits for the end of the block when a later instruction still wants that input.
void findDeferredOutputs(MapProgram& program) {
  for (int output = program.inputCount; output < program.operandCount; ++output) {
    program.deferred[output] = false;
    if (!sharesMemoryWithInput(program, output)) continue;
    const uint8_t place = static_cast<uint8_t>(kMapRegisters + output);
    bool written = false, deferred = false;
    for (int i = 0; i < program.codeLength && !deferred; ++i) {
      const DecodedInstruction& instruction = program.code[i];
      const uint8_t sources[] = {instruction.a, instruction.b, instruction.c};
      for (const uint8_t source : sources) {
        const int input = source - kMapRegisters;
        if (!written || input < 0 || input >= program.inputCount) continue;
        deferred = deferred || program.view[input].data == program.view[output].data;
      }
      written = written || instruction.to == place;
    }
    program.deferred[output] = deferred;
  }
}

void layOutScratch(MapProgram& program, const MapArguments& arguments) {
  float* free = static_cast<float*>(arguments.scratch);
  for (int i = 0; i < arguments.constantCount; ++i, free += kLanes) {
    store(free, vectorOf(broadcastInt(static_cast<int32_t>(arguments.constants[i]))));
    program.spans[kMapRegisters + kMapOperands + i] = Span{free, 0, 0};
  }
  for (int i = 0; i < program.operandCount; ++i, free += kLanes) program.repeated[i] = free;
  program.blockSize = arguments.registerCount + program.operandCount <= 32 ? kLargeBlock : kSmallBlock;
  const ptrdiff_t room = program.blockSize + kBlockPadding;
  for (int i = 0; i < arguments.registerCount; ++i, free += room) program.spans[i].data = free;
  for (int i = 0; i < program.operandCount; ++i, free += room) program.staging[i] = free;
}

// Copies a rectangle into dense scratch. A whole vector may be stored for a few elements: the next row, or the padding, is overwritten.
void copyIn(const MapOperand& operand, const float* from, ptrdiff_t rows, ptrdiff_t width, float* to) {
  for (ptrdiff_t row = 0; row < rows; ++row, from += operand.rowStride, to += width) {
    if (operand.columnStride == 1) {
      ptrdiff_t i = 0;
      for (; i + kLanes <= width; i += kLanes) store(to + i, load(from + i));
      if (i < width) store(to + i, loadFirst(from + i, width - i));
    } else if (operand.columnStride == 0) {
      const Vector value = broadcast(*from);
      for (ptrdiff_t i = 0; i < width; i += kLanes) store(to + i, value);
    } else {
      for (ptrdiff_t i = 0; i < width; ++i) to[i] = from[i * operand.columnStride];
    }
  }
}

void copyOut(const MapOperand& operand, const float* from, ptrdiff_t rows, ptrdiff_t width, float* to) {
  for (ptrdiff_t row = 0; row < rows; ++row, to += operand.rowStride, from += width) {
    if (operand.columnStride == 1) {
      ptrdiff_t i = 0;
      for (; i + kLanes <= width; i += kLanes) store(to + i, load(from + i));
      if (i < width) storeFirst(to + i, load(from + i), width - i);
    } else {
      for (ptrdiff_t i = 0; i < width; ++i) to[i * operand.columnStride] = from[i];
    }
  }
}

struct MapBlock {
  ptrdiff_t row, rows, column, width;
  bool dense;  // all operands staged, rows end to end
};

BPTT_INLINE bool isStaged(const MapProgram& program, const MapBlock& block, int operand) {
  const ptrdiff_t stride = program.view[operand].columnStride;
  if (operand >= program.inputCount) return block.dense || program.deferred[operand] || stride != 1;
  return block.dense ? stride != 0 || program.view[operand].rowStride != 0 : stride != 0 && stride != 1;
}

void placeOperand(MapProgram& program, const MapBlock& block, BlockShape shape, int i) {
  const MapOperand& view = program.view[i];
  Span& span = program.spans[kMapRegisters + i];
  float* origin = view.data + block.row * view.rowStride + block.column * view.columnStride;
  if (isStaged(program, block, i)) {
    span = Span{program.staging[i], shape.vectors * kLanes, kLanes};
    if (i < program.inputCount) copyIn(view, origin, block.rows, block.width, program.staging[i]);
  } else if (view.columnStride == 1) {
    span = Span{origin, view.rowStride, kLanes};
  } else if (view.rowStride == 0) {
    store(program.repeated[i], broadcast(*origin));
    span = Span{program.repeated[i], 0, 0};
  } else {
    for (ptrdiff_t row = 0; row < shape.rows; ++row) {
      store(program.staging[i] + row * kLanes, broadcast(origin[row * view.rowStride]));
    }
    span = Span{program.staging[i], kLanes, 0};
  }
}

void runBlock(MapProgram& program, const MapBlock& block, int registerCount) {
  BlockShape shape{block.rows, block.width / kLanes};
  if (block.dense) shape = BlockShape{1, (block.rows * block.width + kLanes - 1) / kLanes};
  for (int i = 0; i < program.operandCount; ++i) placeOperand(program, block, shape, i);
  for (int i = 0; i < registerCount; ++i) {
    program.spans[i].rowStep = shape.vectors * kLanes;
    program.spans[i].step = kLanes;
  }
  if (shape.vectors == 1) {  // one vector a row: walk the rows in the inner loop
    for (int i = 0; i < registerCount + program.operandCount; ++i) {
      Span& span = program.spans[i < registerCount ? i : kMapRegisters + i - registerCount];
      span.step = span.rowStep;
    }
    shape = BlockShape{1, shape.rows};
  }
  for (int i = 0; i < program.codeLength; ++i) {
    const DecodedInstruction& instruction = program.code[i];
    const Span* spans = program.spans;
    instruction.handler(shape, spans[instruction.to], spans[instruction.a], spans[instruction.b], spans[instruction.c]);
  }
  for (int i = program.inputCount; i < program.operandCount; ++i) {
    if (!isStaged(program, block, i)) continue;
    const MapOperand& view = program.view[i];
    float* origin = view.data + block.row * view.rowStride + block.column * view.columnStride;
    copyOut(view, program.staging[i], block.rows, block.width, origin);
  }
}

// Columns [0, width) of all rows, width a multiple of the vector: several short rows a block, or a long row in equal pieces.
void runWholeVectors(MapProgram& program, ptrdiff_t width, int registerCount) {
  const ptrdiff_t pieces = (width + program.blockSize - 1) / program.blockSize;
  const ptrdiff_t vectors = width / kLanes, piece = (vectors + pieces - 1) / pieces * kLanes;
  const ptrdiff_t rowsAtOnce = program.blockSize / piece;
  for (ptrdiff_t row = 0; row < program.rows; row += rowsAtOnce) {
    const ptrdiff_t rows = program.rows - row < rowsAtOnce ? program.rows - row : rowsAtOnce;
    for (ptrdiff_t column = 0; column < width; column += piece) {
      const ptrdiff_t some = width - column < piece ? width - column : piece;
      runBlock(program, MapBlock{row, rows, column, some, false}, registerCount);
    }
  }
}

// The columns that are left over, fewer than a vector: those of many rows end to end.
void runRemainingColumns(MapProgram& program, ptrdiff_t begin, int registerCount) {
  const ptrdiff_t width = program.columns - begin, rowsAtOnce = program.blockSize / width;
  for (ptrdiff_t row = 0; row < program.rows; row += rowsAtOnce) {
    const ptrdiff_t rows = program.rows - row < rowsAtOnce ? program.rows - row : rowsAtOnce;
    runBlock(program, MapBlock{row, rows, begin, width, true}, registerCount);
  }
}

void map(const MapArguments& arguments) {
  if (arguments.rows <= 0 || arguments.columns <= 0) return;
  MapProgram program;
  program.inputCount = arguments.inputCount;
  program.operandCount = arguments.inputCount + arguments.outputCount;
  chooseView(program, arguments);
  decodeMap(program, arguments);
  findDeferredOutputs(program);
  layOutScratch(program, arguments);
  const ptrdiff_t whole = program.columns / kLanes * kLanes;
  if (whole > 0) runWholeVectors(program, whole, arguments.registerCount);
  if (whole < program.columns) runRemainingColumns(program, whole, arguments.registerCount);
}

}  // namespace
}  // namespace BPTT_ISA
}  // namespace bptt
