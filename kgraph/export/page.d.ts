// Types of NAME.js. Arrays are flat, the last axis varies fastest.
export type Sizes = {[name: string]: number};  // the open sizes: batch and others
export type Numbers = ArrayLike<number>;
export type Values = Numbers | ArrayLike<string>;  // texts where an input has the dtype string
export type Output = (Float32Array | Float64Array | Int32Array | Uint8Array | BigInt64Array) & {shape: number[]};
export interface ArrayInfo {name: string; dtype: string; shape: (number | string)[]}
export class Model {
  readonly inputs: ArrayInfo[];
  readonly outputs: ArrayInfo[];
  readonly classes: string[] | null;
  predict(inputs: Values | Values[], sizes?: Sizes): Output[];
  entries(inputs: Values | Values[], sizes?: Sizes): {inputs: Numbers | Numbers[], sizes: Sizes};
  run(program: string, inputs: Numbers | Numbers[], sizes?: Sizes): Output[];
  shape(output: boolean, index: number, sizes?: Sizes, program?: number): number[];
  reset(): void;
  resetMetrics(): void;
}
export function load(bytes?: BufferSource): Promise<Model>;
