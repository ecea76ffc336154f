// What turns text into numbers before the model: the steps of kgraph.layers.preprocessing.tables. A value is {items,
// shape}: texts or integers, flat.
const STRIP = /[!-\/:-@[-`{-~]/g, LOWER = /[A-Z]/g;
const STANDARDS = {
  lower: t => t.replace(LOWER, c => c.toLowerCase()),
  strip_punctuation: t => t.replace(STRIP, ""),
  lower_and_strip_punctuation: t => t.replace(STRIP, "").replace(LOWER, c => c.toLowerCase()),
};
const keyOf = token => typeof token === "string" ? token : String(BigInt(token));

function placesOf(lookup) {
  const index = new Map(lookup.tokens.map((token, i) => [keyOf(token), lookup.first + i]));
  if (lookup.mask) index.set(keyOf(lookup.mask[0]), lookup.mask[1]);
  const [start, count] = lookup.unknown;
  return token => {
    const key = keyOf(token), place = index.get(key);
    if (place !== undefined) return place;
    if (!count) throw new Error(`layer ${lookup.name}: expected tokens of the vocabulary, received ${key}`);
    if (count === 1) return start;
    const n = BigInt(count);
    return start + (lookup.by_rest ? Number((BigInt(key) % n + n) % n) : Number(hashOf(key, lookup.salt) % n));
  };
}

function tokensOf(texts, {split, standardize, widths}) {
  const standard = STANDARDS[standardize] ?? (t => t);
  return texts.map(row => {
    let tokens = row.map(standard);
    if (split === "character") tokens = Array.from(tokens[0]);
    else if (split === "whitespace")
      tokens = tokens[0].split(/^[\0-\x7f]*$/.test(tokens[0]) ? /[\t-\r\x1c-\x20]+/ : /[\t-\r ]+/).filter(t => t);
    if (!widths) return tokens;
    return widths.flatMap(n => tokens.slice(n - 1).map((_, i) => tokens.slice(i, i + n).join(" ")));
  });
}

const STEPS = {
  Lookup(settings) {
    const place = placesOf(settings);
    return ({items, shape}) => ({items: Array.from(items, place), shape});
  },
  Text(settings) {
    const place = placesOf(settings.lookup), {length, padding, split} = settings;
    return ({items, shape}) => {
      const width = items.length / Math.max(shape[0], 1);
      const rows = tokensOf(Array.from({length: shape[0]}, (_, i) => items.slice(i * width, (i + 1) * width)), settings)
        .map(row => row.map(place));
      const long = length ?? rows.reduce((n, row) => Math.max(n, row.length), padding < 0 ? 1 : 0);
      const flat = rows.flatMap(row => Array.from({length: long}, (_, i) => row[i] ?? padding));
      return {items: flat, shape: split === null && shape.length === 1 && long === 1 && padding === 0 ? shape
        : [shape[0], long]};
    };
  },
  Hash({bins, mask, salt}) {
    const masked = mask !== null && bins > 1;
    const bin = token => masked && keyOf(token) === keyOf(mask) ? 0
      : Number(hashOf(keyOf(token), salt) % BigInt(bins - masked)) + Number(masked);
    return ({items, shape}) => ({items: Array.from(items, bin), shape});
  },
  Cross({bins}) {
    const number = token => typeof token === "string" ? fingerprint64(bytesOf(token)) : BigInt.asUintN(64, BigInt(token));
    return (...features) => ({shape: features[0].shape, items: Array.from(features[0].items, (_, i) =>
      Number(features.reduce((hash, f) => cat64(hash, number(f.items[i])), 0xDECAFCAFFEn) % BigInt(bins)))});
  },
};
const MAKERS = signature.tables?.steps.map(step => STEPS[step.kind](step.settings)) ?? [];

// What the compiled part takes for the inputs of the model, each {items, shape}.
function throughTables(values) {
  const all = [...values];
  MAKERS.forEach((step, i) => all.push(step(...signature.tables.steps[i].reads.map(k => all[k]))));
  return signature.tables.entries.map(k => all[k]);
}
