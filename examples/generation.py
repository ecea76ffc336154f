"""A decoder in the manner of GPT-2 learns a text by heart, letter by letter, and writes it down again.

Each letter that is written reads the weights once: keys and values of the letters before it are kept in variables.
`python examples/generation.py 12 768 12 50257` measures that at GPT-2's size, with random weights:
blocks, width, heads, tokens.
"""
import sys
import time

import numpy as np

import kgraph
from kgraph import layers, ops

TEXT = ("she had a plan, and the plan had a gap; he saw the gap, and he had a map. "
        "with the map in hand they ran to the sand, and the sand had a hat in a can. ") * 2
LENGTH = 64   # tokens that the model can look back on


class Attention(kgraph.Layer):
    """Causal self-attention: over a whole text, or for one token beside what was kept of those before it."""

    def __init__(self, heads, width):
        super().__init__()
        self.heads, self.width = heads, width
        self.qkv, self.out = layers.Dense(3 * width), layers.Dense(width)

    def _split(self, x):
        """Queries, keys and values, each [batch, tokens, heads, width of a head]."""
        return ops.split(ops.reshape(self.qkv(x), (-1, x.shape[1], 3 * self.heads, self.width // self.heads)), 3, 2)

    def call(self, x):
        q, k, v = self._split(x)
        return self.out(ops.reshape(ops.dot_product_attention(q, k, v, is_causal=True), (-1, x.shape[1], self.width)))

    def step(self, x, kept, position):
        """One token [1, 1, width] at ``position``; its key and value are written into ``kept``, a pair of variables."""
        q, k, v = self._split(x)
        for variable, new in zip(kept, (k, v)):
            variable.assign(ops.slice_update(variable, (0, position, 0, 0), new))
        seen = ops.reshape(ops.arange(LENGTH) <= position, (1, 1, 1, LENGTH))
        return self.out(ops.reshape(ops.dot_product_attention(q, *kept, mask=seen), (1, 1, self.width)))


class Block(kgraph.Layer):
    """Attention and a two-layer network, each beside a shortcut and behind a LayerNormalization."""

    def __init__(self, heads, width):
        super().__init__()
        self.before, self.between = layers.LayerNormalization(), layers.LayerNormalization()
        self.attention = Attention(heads, width)
        self.wide, self.back = layers.Dense(4 * width, activation="gelu"), layers.Dense(width)

    def call(self, x):
        x = x + self.attention(self.before(x))
        return x + self.back(self.wide(self.between(x)))

    def step(self, x, kept, position):
        x = x + self.attention.step(self.before(x), kept, position)
        return x + self.back(self.wide(self.between(x)))


class Writer(kgraph.Model):
    """Tokens [batch, LENGTH] to logits of each one's successor [batch, LENGTH, tokens]."""

    def __init__(self, blocks, width, heads, tokens):
        super().__init__()
        self.letters, self.places = layers.Embedding(tokens, width), layers.Embedding(LENGTH, width)
        self.blocks = [Block(heads, width) for _ in range(blocks)]
        self.last, self.head = layers.LayerNormalization(), layers.Dense(tokens, use_bias=False)
        self.shape = (1, LENGTH, heads, width // heads)

    def call(self, tokens):
        x = self.letters(tokens) + self.places(ops.arange(LENGTH))
        for block in self.blocks:
            x = block(x)
        return self.head(self.last(x))

    def writer(self):
        """A function (token [1, 1], position) -> the likeliest successor [1, 1] that remembers the tokens before."""
        kept = [[kgraph.Variable(np.zeros(self.shape, "float32"), trainable=False) for _ in "kv"] for _ in self.blocks]

        @kgraph.function
        def step(token, position):
            x = self.letters(token) + self.places(position)
            for block, pair in zip(self.blocks, kept):
                x = block.step(x, pair, position)
            return ops.argmax(self.head(self.last(x)), -1)
        return step


def write(model, start, count) -> list:
    """The tokens ``start`` and ``count`` more, each the likeliest after those before it."""
    step, tokens = model.writer(), list(start)
    for position in range(len(start) + count - 1):
        token = int(step(np.array([[tokens[position]]], "int32"), np.int32(position))[0, 0])
        if position + 1 == len(tokens):
            tokens.append(token)
    return tokens


def measure(*sizes):
    """Milliseconds a token and how fast its weights were read, at sizes of one's own."""
    model = Writer(*sizes)
    model(np.zeros((1, LENGTH), "int32"))
    step, token = model.writer(), np.zeros((1, 1), "int32")
    read = 4 * sum(w.shape[0] * w.shape[1] for w in model.weights if w.path.endswith("kernel"))
    times = []
    for position in range(32):
        start = time.perf_counter()
        token = step(token, np.int32(position))
        times.append(time.perf_counter() - start)
    seconds = np.median(times[1:])
    print(f"{1e3 * seconds:.1f} ms a token: {read / 1e6:.0f} MB of weights at {read / seconds / 1e9:.1f} GB/s")


def main():
    kgraph.utils.set_random_seed(1)
    letters = sorted(set(TEXT))
    tokens = np.array([letters.index(c) for c in TEXT], "int32")
    windows = np.stack([tokens[i:i + LENGTH + 1] for i in range(len(tokens) - LENGTH)])
    model = Writer(1, 64, 4, len(letters))
    model.compile(kgraph.optimizers.Adam(0.003), kgraph.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(windows[:, :-1], windows[:, 1:], epochs=20, batch_size=32, verbose=0)
    told = "".join(letters[t] for t in write(model, tokens[:9], 50))
    print(f"{told[:9]} -> {told[9:]}")
    print("as in the text" if TEXT.startswith(told) else "not as in the text")


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:])) if len(sys.argv) > 1 else main()
