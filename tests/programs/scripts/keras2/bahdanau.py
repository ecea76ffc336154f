"""Translation with attention in subclassed models, a tf.function with teacher forcing and a masked loss."""
import numpy as np
import tensorflow as tf

units, vocab, embedding_dim, BATCH = 5, 9, 4, 4


class Encoder(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = tf.keras.layers.Embedding(vocab, embedding_dim)
        self.gru = tf.keras.layers.GRU(units, return_sequences=True, return_state=True,
                                       recurrent_initializer='glorot_uniform')

    def call(self, x, hidden):
        x = self.embedding(x)
        output, state = self.gru(x, initial_state=hidden)
        return output, state

    def initialize_hidden_state(self):
        return tf.zeros((BATCH, units))


class BahdanauAttention(tf.keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.W1 = tf.keras.layers.Dense(units)
        self.W2 = tf.keras.layers.Dense(units)
        self.V = tf.keras.layers.Dense(1)

    def call(self, query, values):
        query_with_time_axis = tf.expand_dims(query, 1)
        score = self.V(tf.nn.tanh(self.W1(query_with_time_axis) + self.W2(values)))
        attention_weights = tf.nn.softmax(score, axis=1)
        context_vector = tf.reduce_sum(attention_weights * values, axis=1)
        return context_vector, attention_weights


class Decoder(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = tf.keras.layers.Embedding(vocab, embedding_dim)
        self.gru = tf.keras.layers.GRU(units, return_sequences=True, return_state=True)
        self.fc = tf.keras.layers.Dense(vocab)
        self.attention = BahdanauAttention(units)

    def call(self, x, hidden, enc_output):
        context_vector, attention_weights = self.attention(hidden, enc_output)
        x = self.embedding(x)
        x = tf.concat([tf.expand_dims(context_vector, 1), x], axis=-1)
        output, state = self.gru(x)
        output = tf.reshape(output, (-1, output.shape[2]))
        return self.fc(output), state, attention_weights


optimizer = tf.keras.optimizers.SGD(0.5)
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction='none')


def loss_function(real, pred):
    mask = tf.math.logical_not(tf.math.equal(real, 0))
    loss_ = loss_object(real, pred)
    mask = tf.cast(mask, dtype=loss_.dtype)
    loss_ *= mask
    return tf.reduce_mean(loss_)


encoder, decoder = Encoder(), Decoder()
rng = np.random.RandomState(12)
inp = tf.constant(rng.randint(0, vocab, (8, 5)), tf.int32)
targ = tf.constant(np.concatenate([np.ones((8, 1)), rng.randint(0, vocab, (8, 3))], axis=1), tf.int32)
out, hidden = encoder(inp[:4], encoder.initialize_hidden_state())
decoder(targ[:4, :1], hidden, out)
for model in (encoder, decoder):
    model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])


@tf.function
def train_step(inp, targ, enc_hidden):
    loss = 0
    with tf.GradientTape() as tape:
        enc_output, enc_hidden = encoder(inp, enc_hidden)
        dec_hidden = enc_hidden
        dec_input = tf.expand_dims([1] * BATCH, 1)
        for t in range(1, targ.shape[1]):
            predictions, dec_hidden, _ = decoder(dec_input, dec_hidden, enc_output)
            loss += loss_function(targ[:, t], predictions)
            dec_input = tf.expand_dims(targ[:, t], 1)
    batch_loss = loss / int(targ.shape[1])
    variables = encoder.trainable_variables + decoder.trainable_variables
    gradients = tape.gradient(loss, variables)
    optimizer.apply_gradients(zip(gradients, variables))
    return batch_loss


dataset = tf.data.Dataset.from_tensor_slices((inp, targ)).batch(BATCH, drop_remainder=True)
losses = []
for epoch in range(3):
    enc_hidden = encoder.initialize_hidden_state()
    for (batch, (inp_b, targ_b)) in enumerate(dataset.take(2)):
        losses.append(train_step(inp_b, targ_b, enc_hidden).numpy())
enc_out, enc_hidden = encoder(inp[:1], [tf.zeros((1, units))])
_, _, attention_weights = decoder(tf.expand_dims([1], 0), enc_hidden, enc_out)
print('values:', *losses, *tf.reshape(attention_weights, (-1,)).numpy())
