"""Words by their neighbours: a target, one true context and some false ones; scores are dot products."""
import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Embedding
from tensorflow.keras.preprocessing.sequence import make_sampling_table

num_ns, vocab_size = 3, 12


class Word2Vec(tf.keras.Model):
    def __init__(self, vocab_size, embedding_dim):
        super(Word2Vec, self).__init__()
        self.target_embedding = Embedding(vocab_size, embedding_dim, input_length=1, name="w2v_embedding")
        self.context_embedding = Embedding(vocab_size, embedding_dim, input_length=num_ns + 1)

    def call(self, pair):
        target, context = pair
        if len(target.shape) == 2:
            target = tf.squeeze(target, axis=1)
        word_emb = self.target_embedding(target)
        context_emb = self.context_embedding(context)
        return tf.einsum('be,bce->bc', word_emb, context_emb)


rng = np.random.RandomState(10)
sentence = rng.randint(1, vocab_size, 30)
targets, contexts, labels = [], [], []
for i in range(1, 25):
    negatives = (np.arange(num_ns) + sentence[i] + 1) % vocab_size
    targets.append(sentence[i])
    contexts.append(np.concatenate([[sentence[i + 1]], negatives]))
    labels.append([1] + [0] * num_ns)
targets, contexts, labels = np.array(targets), np.array(contexts), np.array(labels)
dataset = tf.data.Dataset.from_tensor_slices(((targets, contexts), labels))
dataset = dataset.batch(8, drop_remainder=True).cache().prefetch(buffer_size=tf.data.AUTOTUNE)
word2vec = Word2Vec(vocab_size, 5)
word2vec((targets[:1], contexts[:1]))
word2vec.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in word2vec.get_weights()])
word2vec.compile(optimizer=tf.keras.optimizers.SGD(1.0), metrics=['accuracy'],
                 loss=tf.keras.losses.CategoricalCrossentropy(from_logits=True))
history = word2vec.fit(dataset, epochs=4, verbose=0).history
weights = word2vec.get_layer('w2v_embedding').get_weights()[0]
print('values:', *history['loss'], *history['accuracy'], weights.sum(), *make_sampling_table(size=4))
