"""Temperatures of tomorrow: a Python generator of windows, a GRU, a naive guess to compare with."""
import numpy as np
from keras import layers
from keras.models import Sequential
from keras.optimizers import RMSprop

rng = np.random.RandomState(3)
float_data = np.stack([np.sin(np.arange(200) / 9), np.cos(np.arange(200) / 7), rng.normal(0, 0.3, 200)], axis=1)


def generator(data, lookback, delay, min_index, max_index, batch_size=8, step=3):
    if max_index is None:
        max_index = len(data) - delay - 1
    i = min_index + lookback
    while 1:
        if i + batch_size >= max_index:
            i = min_index + lookback
        rows = np.arange(i, min(i + batch_size, max_index))
        i += len(rows)
        samples = np.zeros((len(rows), lookback // step, data.shape[-1]))
        targets = np.zeros((len(rows),))
        for j, row in enumerate(rows):
            samples[j] = data[range(rows[j] - lookback, rows[j], step)]
            targets[j] = data[rows[j] + delay][1]
        yield samples, targets


train_gen = generator(float_data, 18, 4, 0, 100)
val_gen = generator(float_data, 18, 4, 101, None)
naive = np.mean([np.mean(np.abs(s[:, -1, 1] - t)) for s, t in (next(val_gen) for _ in range(3))])
val_data = tuple(np.concatenate(parts) for parts in zip(*(next(val_gen) for _ in range(3))))
model = Sequential()
model.add(layers.GRU(5, dropout=0.0, recurrent_dropout=0.0, return_sequences=True, input_shape=(None, 3)))
model.add(layers.GRU(4, activation='relu'))
model.add(layers.Dense(1))
model.set_weights([rng.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
model.compile(optimizer=RMSprop(), loss='mae')
history = model.fit(train_gen, steps_per_epoch=5, epochs=3, validation_data=val_data, verbose=0)
print('values:', naive, *history.history['loss'], *history.history['val_loss'])
