/** A small assembler for programs by hand: docs/program-format.md in readable form. */

export const space = { arena: 0, constants: 1, storage: (index: number): number => 2 + index } as const;
export const type = { float32: 0, int32: 1, bool: 2 } as const;
export const opcode = {
  map: 1, pack: 2, gemm: 3, reduce: 4, gather: 5, scatterAdd: 6, softmax: 7, crossEntropy: 8, crossEntropyGradient: 9, random: 10, oneHot: 11, argMax: 12, scan: 13, iota: 14, packStep: 15, sumPacked: 16,
  crossEntropyBoth: 17, firstRows: 18, replaceRows: 19, standardize: 20, standardizeGradient: 21,
} as const;

export interface OperandSpec {
  space: number;
  offset?: number;
  type?: number;
  dims: readonly number[];
  /** Row-major unless given. */
  strides?: readonly number[];
  step?: { stride: number; shift?: number; slots?: number };
}

function words64(value: number): [number, number] {
  const wide = BigInt.asUintN(64, BigInt(value));
  return [Number(wide & 0xffffffffn), Number(wide >> 32n)];
}

function padded(values: readonly number[], filler: number): number[] {
  return [...values, ...Array.from({ length: 6 - values.length }, () => filler)];
}

function rowMajor(dims: readonly number[]): number[] {
  const strides: number[] = [];
  let next = 1;
  for (const size of [...dims].reverse()) {
    strides.unshift(next);
    next *= size;
  }
  return strides;
}

export class Assembler {
  arena = 0;
  prologue = 0;
  readonly storages: { elements: number; access: number }[] = [];
  readonly operands: number[][] = [];
  readonly maps: number[] = [];
  readonly code: number[] = [];
  readonly constants: number[] = [];

  storage(elements: number, access = 3): number {
    this.storages.push({ elements, access });
    return space.storage(this.storages.length - 1);
  }

  operand(spec: OperandSpec): number {
    const { dims, step } = spec;
    const unsigned = [spec.space, ...words64(spec.offset ?? 0), spec.type ?? 0, dims.length, ...padded(dims, 1), ...padded(spec.strides ?? rowMajor(dims), 0),
      ...words64(step?.stride ?? 0), step?.shift ?? 0, step?.slots ?? 0, 0, 0, 0];
    this.operands.push(unsigned);
    return this.operands.length - 1;
  }

  /** Returns the entry's number. `code` holds [op, destination, a, b, c] rows; constants are float32. */
  map(registers: number, constants: readonly number[], code: readonly number[][]): number {
    const entry = this.maps.length;
    const bits = new Int32Array(new Float32Array(constants).buffer);
    this.maps.push(code.length, constants.length, registers, ...bits, ...code.flat());
    return entry;
  }

  static instruction(op: number, operands: readonly number[], attributes: readonly number[] = [], body: readonly number[] = []): number[] {
    return [op, 3 + operands.length + attributes.length + body.length, operands.length, ...operands, ...attributes, ...body];
  }

  add(op: number, operands: readonly number[], attributes: readonly number[] = []): this {
    this.code.push(...Assembler.instruction(op, operands, attributes));
    return this;
  }

  scan(options: { steps: number; reverse?: boolean; mode?: number; rows?: number }, body: readonly number[][]): this {
    const attributes = [options.steps, options.reverse ? 1 : 0, options.mode ?? 0, options.rows ?? 0, body.length];
    this.code.push(...Assembler.instruction(opcode.scan, [], attributes, body.flat()));
    return this;
  }

  words(): Int32Array {
    const storageTable = this.storages.flatMap(({ elements, access }) => [...words64(elements), access]);
    const sections = { storages: storageTable, operands: this.operands.flat(), maps: this.maps, code: this.code, constants: this.constants };
    const offsets: Record<string, number> = {};
    let total = 24;
    for (const [name, words] of Object.entries(sections)) {
      offsets[name] = total;
      total += words.length;
    }
    const header = [0x54545042, 2, total, this.storages.length, ...words64(this.arena), offsets['operands']!, this.operands.length, offsets['maps']!, this.maps.length,
      offsets['code']!, this.code.length, offsets['constants']!, this.constants.length, offsets['storages']!, this.storages.length, this.prologue];
    return Int32Array.from([...header, ...Array.from({ length: 24 - header.length }, () => 0), ...Object.values(sections).flat()]);
  }
}
