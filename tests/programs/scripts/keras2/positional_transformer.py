"""Scaled dot products and masks written out, a schedule with warm-up, accuracy without padding, a checkpoint."""
import numpy as np
import tensorflow as tf


def positional_encoding(position, d_model):
    angle_rads = np.arange(position)[:, np.newaxis] / np.power(10000, (2 * (np.arange(d_model) // 2)) / np.float32(d_model))
    angle_rads[:, 0::2] = np.sin(angle_rads[:, 0::2])
    angle_rads[:, 1::2] = np.cos(angle_rads[:, 1::2])
    return tf.cast(angle_rads[np.newaxis, ...], dtype=tf.float32)


def create_masks(seq):
    padding = tf.cast(tf.math.equal(seq, 0), tf.float32)[:, tf.newaxis, tf.newaxis, :]
    look_ahead = 1 - tf.linalg.band_part(tf.ones((tf.shape(seq)[1], tf.shape(seq)[1])), -1, 0)
    return tf.maximum(padding, look_ahead)


class MultiHeadAttention(tf.keras.layers.Layer):
    def __init__(self, d_model, num_heads):
        super(MultiHeadAttention, self).__init__()
        self.num_heads, self.d_model, self.depth = num_heads, d_model, d_model // num_heads
        self.wq, self.wk, self.wv, self.dense = (tf.keras.layers.Dense(d_model) for _ in range(4))

    def split_heads(self, x, batch_size):
        return tf.transpose(tf.reshape(x, (batch_size, -1, self.num_heads, self.depth)), perm=[0, 2, 1, 3])

    def call(self, v, k, q, mask):
        batch_size = tf.shape(q)[0]
        q, k, v = (self.split_heads(w(t), batch_size) for w, t in ((self.wq, q), (self.wk, k), (self.wv, v)))
        matmul_qk = tf.matmul(q, k, transpose_b=True)
        scaled = matmul_qk / tf.math.sqrt(tf.cast(tf.shape(k)[-1], tf.float32)) + mask * -1e9
        attention = tf.matmul(tf.nn.softmax(scaled, axis=-1), v)
        attention = tf.reshape(tf.transpose(attention, perm=[0, 2, 1, 3]), (batch_size, -1, self.d_model))
        return self.dense(attention)


class Decoder(tf.keras.Model):
    def __init__(self, vocab, d_model):
        super().__init__()
        self.embedding, self.d_model = tf.keras.layers.Embedding(vocab, d_model), d_model
        self.pos, self.mha = positional_encoding(10, d_model), MultiHeadAttention(d_model, 2)
        self.norm, self.final = tf.keras.layers.LayerNormalization(epsilon=1e-6), tf.keras.layers.Dense(vocab)

    def call(self, x, training=False):
        h = self.embedding(x) * tf.math.sqrt(tf.cast(self.d_model, tf.float32)) + self.pos[:, :tf.shape(x)[1], :]
        return self.final(self.norm(h + self.mha(h, h, h, create_masks(x))))


class CustomSchedule(tf.keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, d_model, warmup_steps=4):
        super().__init__()
        self.d_model, self.warmup_steps = tf.cast(d_model, tf.float32), warmup_steps

    def __call__(self, step):
        step = tf.cast(step, tf.float32) + 1
        return tf.math.rsqrt(self.d_model) * tf.math.minimum(tf.math.rsqrt(step), step * (self.warmup_steps ** -1.5))


rng = np.random.RandomState(22)
seq = rng.randint(1, 9, (8, 6)) * (np.arange(6) < rng.randint(4, 7, 8)[:, None])
model, train_loss = Decoder(9, 4), tf.keras.metrics.Mean()
model(seq[:1])
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
optimizer = tf.keras.optimizers.SGD(CustomSchedule(4), momentum=0.5)
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction='none')
ckpt = tf.train.Checkpoint(model=model, optimizer=optimizer)


@tf.function(input_signature=[tf.TensorSpec(shape=(None, None), dtype=tf.int64)])
def train_step(tar):
    tar_inp, tar_real = tar[:, :-1], tar[:, 1:]
    with tf.GradientTape() as tape:
        predictions = model(tar_inp, training=True)
        loss_ = loss_object(tar_real, predictions)
        mask = tf.cast(tf.math.logical_not(tf.math.equal(tar_real, 0)), dtype=loss_.dtype)
        loss = tf.reduce_sum(loss_ * mask) / tf.reduce_sum(mask)
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    train_loss(loss)
    return loss


losses = [float(train_step(seq[i % 2 * 4:][:4])) for i in range(4)]
path = ckpt.save("ckpt/one")
losses.append(float(train_step(seq[:4])))
ckpt.restore(path)
losses.append(float(train_step(seq[:4])))
print('values:', *losses, train_loss.result().numpy(), tf.argmax(model(seq[:1]), -1).numpy().sum())
