// The model in WebAssembly. Arrays are flat, the last axis varies fastest.
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253,
  15, 253, 98, 11);
const ARRAYS = {float32: Float32Array, float64: Float64Array, int8: Int8Array, uint8: Uint8Array, bool: Uint8Array,
  int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array,
  uint64: BigUint64Array};

export class Model {
  constructor(instance) {
    this.exports = instance.exports;
    this.exports._initialize?.();
    this.signature = signature;
    this.inputs = signature.tables?.inputs ?? signature.programs[0].inputs;
    this.outputs = signature.programs[0].outputs;
    this.classes = signature.classes ?? null;
    this.largest = signature.sizes.map(() => 0);
    this.handle = 0;
    this.blocks = new Map();
    this.numbers = this.exports.malloc(8 * 64);  // sizes, a shape, pointers
  }

  // The shape of input or output number i of a program for these sizes, {batch: 1, ...}.
  shape(output, i, sizes = {}, program = 0) {
    this.#writeSizes(sizes);
    const at = this.numbers + 128;
    const rank = this.#call("shape", program, output ? 1 : 0, i, this.numbers, at);
    return Array.from(new BigInt64Array(this.exports.memory.buffer, at, rank), Number);
  }

  // Outputs as typed arrays, each with its shape, for inputs as arrays of numbers, or of texts. sizes: the open sizes by
  // name, such as {batch: 2}; that of the batch need not be given.
  predict(inputs, sizes = {}) {
    const entries = this.entries(inputs, sizes);
    return this.run("predict", entries.inputs, entries.sizes);
  }

  // {inputs, sizes} of the compiled part: what tables make of text, where the model begins with text.
  entries(inputs, sizes = {}) {
    if (!signature.tables) return {inputs, sizes};
    if (this.inputs.length === 1 && (typeof inputs[0] === "string" || typeof inputs[0] === "number")) inputs = [inputs];
    if (inputs.length !== this.inputs.length)
      throw new Error(`expected ${this.inputs.length} inputs, received ${inputs.length}`);
    const made = throughTables(this.inputs.map(({name, dtype, shape}, i) => {
      const row = shape.slice(1).reduce((a, b) => a * (sizes[b] ?? b), 1), items = inputs[i];
      if (dtype === "string" && !Array.from(items).every(t => typeof t === "string"))
        throw new Error(`expected texts for ${name}, received ${items}`);
      return {items, shape: [items.length / row, ...shape.slice(1).map(n => sizes[n] ?? n)]};
    }));
    const found = {...sizes};
    signature.programs[0].inputs.forEach((a, i) => a.shape.forEach((n, axis) => {
      if (signature.sizes.includes(n)) found[n === "B" ? "batch" : n] = made[i].shape[axis];
    }));
    return {inputs: made.map(a => a.items), sizes: found};
  }

  // One call of a program by its name.
  run(name, inputs, sizes = {}) {
    const number = signature.programs.findIndex(p => p.name === name);
    if (number < 0) throw new Error(`expected a program among ${signature.programs.map(p => p.name)}, received ${name}`);
    const program = signature.programs[number];
    if (program.inputs.length === 1 && !(Array.isArray(inputs) && inputs[0]?.length !== undefined)) inputs = [inputs];
    if (inputs.length !== program.inputs.length)
      throw new Error(`expected ${program.inputs.length} inputs, received ${inputs.length}`);
    sizes = {...sizes, batch: sizes.batch ?? this.#batchOf(program, number, inputs, sizes)};
    this.#grow(sizes);
    const given = program.inputs.map((a, i) => this.#place(`${name}/in/${i}`, a, this.shape(false, i, sizes, number)));
    const wanted = program.outputs.map((a, i) => this.#place(`${name}/out/${i}`, a, this.shape(true, i, sizes, number)));
    given.forEach((block, i) => {
      if (inputs[i].length !== block.count)
        throw new Error(`expected ${block.count} numbers [${block.shape}] for ${program.inputs[i].name}, ` +
          `received ${inputs[i].length}`);
      this.#view(block).set(block.kind === BigInt64Array ? Array.from(inputs[i], BigInt) : inputs[i]);
    });
    this.#writeSizes(sizes);
    const at = this.numbers + 256, pointers = new Uint32Array(this.exports.memory.buffer, at, 64);
    [...given, ...wanted].forEach((block, i) => { pointers[i] = block.at; });
    this.#check(this.#call("run", this.handle, number, this.numbers, at, at + 4 * given.length));
    return wanted.map(block => Object.assign(this.#view(block).slice(), {shape: block.shape}));
  }

  // What training and recurrent layers have left behind is forgotten.
  reset() {
    if (this.handle) this.#call("reset", this.handle);
  }

  // The metrics of training begin anew.
  resetMetrics() {
    if (this.handle) this.#call("reset_metrics", this.handle);
  }

  #call(name, ...values) {
    return this.exports[`${signature.name}_${name}`](...values);
  }

  #sizes(sizes) {
    return signature.sizes.map(n => sizes[n === "B" ? "batch" : n] ?? 1);
  }

  #writeSizes(sizes) {
    new BigInt64Array(this.exports.memory.buffer, this.numbers, 16).set(this.#sizes(sizes).map(BigInt));
  }

  #batchOf(program, number, inputs, sizes) {
    const i = program.inputs.findIndex(a => a.shape[0] === "B");
    if (i < 0) return 1;
    const row = this.shape(false, i, {...sizes, batch: 1}, number).reduce((a, b) => a * b, 1);
    if (inputs[i].length % row)
      throw new Error(`expected a multiple of ${row} numbers for ${program.inputs[i].name}, received ${inputs[i].length}`);
    return inputs[i].length / row;
  }

  #grow(sizes) {
    const now = this.#sizes(sizes);
    if (this.handle && now.every((n, i) => n <= this.largest[i])) return;
    this.largest = now.map((n, i) => Math.max(n, this.largest[i]));
    this.#check(this.#call("create", this.numbers + 248, ...this.largest.map(BigInt), 1));
    const handle = new Uint32Array(this.exports.memory.buffer, this.numbers + 248, 1)[0];
    if (this.handle) {
      signature.weights.forEach((w, i) => {
        if (!w.mutable) return;
        const [to, from] = [handle, this.handle].map(h => this.#call("state", h, i, this.numbers));
        new Uint8Array(this.exports.memory.buffer).copyWithin(to, from, from + w.bytes);
      });
      this.#call("destroy", this.handle);
    }
    this.handle = handle;
  }

  #place(key, a, shape) {
    const kind = ARRAYS[a.dtype], count = shape.reduce((x, y) => x * y, 1), bytes = count * kind.BYTES_PER_ELEMENT + 64;
    let block = this.blocks.get(key);
    if (!block || block.bytes < bytes) {
      if (block) this.exports.free(block.at);
      block = {at: this.exports.malloc(bytes), bytes};
      if (!block.at) throw new Error("there is not enough memory");
    }
    Object.assign(block, {kind, count, shape});
    this.blocks.set(key, block);
    return block;
  }

  #view(block) {
    return new block.kind(this.exports.memory.buffer, block.at, block.count);
  }

  #check(code) {
    if (!code) return;
    const at = this.#call("message", code), bytes = new Uint8Array(this.exports.memory.buffer);
    throw new Error(new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at))));
  }
}

// The model: from bytes of a module, or from the file beside this one that the browser is able to run.
export async function load(bytes) {
  if (bytes === undefined) {
    const file = new URL(WebAssembly.validate(SIMD) ? `./${signature.name}.wasm` : `./${signature.name}-scalar.wasm`,
      import.meta.url);
    bytes = await (await fetch(file)).arrayBuffer();
  }
  const {instance} = await WebAssembly.instantiate(bytes, {});
  return new Model(instance);
}
