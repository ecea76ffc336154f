// 64-bit hashes of texts, those of kgraph.layers.preprocessing.fingerprints: FarmHash Fingerprint64, SipHash-2-4.
const K = [0xC3A5C85C97CB3127n, 0xB492B66FBE98F273n, 0x9AE16A3B2F90404Fn];
const u64 = x => BigInt.asUintN(64, x);
const turned = (x, n) => { x = u64(x); return u64(x >> BigInt(n) | x << BigInt(64 - n)); };
const mixed = x => { x = u64(x); return x ^ x >> 47n; };
const bytesOf = text => new TextEncoder().encode(text);
const at = (data, i, size = 8) => {
  let found = 0n;
  for (let k = Math.min(size, data.length - i) - 1; k >= 0; k--) found = found << 8n | BigInt(data[i + k]);
  return found;
};
const joined = (u, v, factor) => {
  const a = mixed((u ^ v) * factor);
  return u64(mixed((v ^ a) * factor) * factor);
};

function fingerprint64(data) {
  const n = data.length, size = BigInt(n);
  if (n > 64) return longPrint(data);
  const factor = K[2] + 2n * size;
  if (n > 16) return middlePrint(data, factor);
  if (n >= 8) {
    const a = at(data, 0) + K[2], b = at(data, n - 8);
    return joined(u64(turned(b, 37) * factor + a), u64((turned(a, 25) + b) * factor), factor);
  }
  if (n >= 4) return joined(size + (at(data, 0, 4) << 3n), at(data, n - 4, 4), factor);
  if (!n) return K[2];
  const y = BigInt(data[0]) + (BigInt(data[n >> 1]) << 8n), z = size + (BigInt(data[n - 1]) << 2n);
  return u64(mixed(u64(y * K[2]) ^ u64(z * K[0])) * K[2]);
}

function middlePrint(data, factor) {
  const n = data.length, a = u64(at(data, 0) * (n <= 32 ? K[1] : K[2]));
  const b = at(data, 8), c = at(data, n - 8) * factor, d = at(data, n - 16) * K[2];
  const y = u64(turned(a + b, 43) + turned(c, 30) + d), z = joined(y, u64(a + turned(b + K[2], 18) + c), factor);
  if (n <= 32) return z;
  const e = u64(at(data, 16) * factor), f = at(data, 24);
  const g = (y + at(data, n - 32)) * factor, h = (z + at(data, n - 24)) * factor;
  return joined(u64(turned(e + f, 43) + turned(g, 30) + h), u64(e + turned(f + a, 18) + g), factor);
}

function weak(data, i, a, b) {
  const [w, x, y, z] = [0, 8, 16, 24].map(k => at(data, i + k)), c = a + w;
  const d = turned(b + c + z, 21), e = c + x + y;
  return [u64(e + z), u64(d + turned(e, 44) + c)];
}

function longPrint(data) {
  const n = data.length, y = u64(81n * K[1] + 113n);
  let state = [u64(81n * K[2] + at(data, 0)), y, u64(mixed(y * K[2] + 113n) * K[2]), [0n, 0n], [0n, 0n]];
  for (let i = 0; i + 64 < n; i += 64) state = round(data, i, state, K[1], 1n);
  const factor = K[1] + ((state[2] & 0xFFn) << 1n), [x, y1, z, v, w] = state;
  const w0 = w[0] + BigInt(n - 1 & 63), v0 = v[0] + w0;
  const [a, b, c, d, e] = round(data, n - 64, [x, y1, z, [v0, v[1]], [w0 + v0, w[1]]], factor, 9n);
  return joined(u64(joined(d[0], e[0], factor) + mixed(b) * K[0] + c), u64(joined(d[1], e[1], factor) + a), factor);
}

function round(data, i, [x, y, z, v, w], factor, times) {
  x = u64(turned(x + y + v[0] + at(data, i + 8), 37) * factor);
  y = u64(turned(y + v[1] + at(data, i + 48), 42) * factor);
  x ^= u64(w[1] * times);
  y = u64(y + v[0] * times + at(data, i + 40));
  z = u64(turned(z + w[0], 33) * factor);
  return [z, y, x, weak(data, i, u64(v[1] * factor), x + w[0]), weak(data, i + 32, z + w[1], y + at(data, i + 16))];
}

function cat64(a, b) {
  const factor = 0xC6A4A7935BD1E995n, found = u64((a ^ factor ^ u64(mixed(b * factor) * factor)) * factor);
  return u64(mixed(mixed(found) * factor));
}

function keyedHash(data, key) {
  const [k0, k1] = key.map(k => u64(BigInt(k))), left = (x, n) => turned(x, 64 - n);
  let [a, b, c, d] = [k0 ^ 0x736F6D6570736575n, k1 ^ 0x646F72616E646F6Dn, k0 ^ 0x6C7967656E657261n, k1 ^ 0x7465646279746573n];
  const turn = () => {
    a = u64(a + b); c = u64(c + d); b = left(b, 13) ^ a; d = left(d, 16) ^ c;
    [a, c] = [u64(left(a, 32) + d), u64(c + b)];
    [d, b, c] = [left(d, 21) ^ a, left(b, 17) ^ c, left(c, 32)];
  };
  const word = w => { d ^= w; turn(); turn(); a ^= w; }, whole = data.length - data.length % 8;
  for (let i = 0; i < whole; i += 8) word(at(data, i));
  word(at(data, whole) | BigInt(data.length & 0xFF) << 56n);
  c ^= 0xFFn;
  for (let i = 0; i < 4; i++) turn();
  return a ^ b ^ c ^ d;
}

const hashOf = (text, salt) => salt ? keyedHash(bytesOf(text), salt) : fingerprint64(bytesOf(text));
