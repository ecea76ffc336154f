"""Prices of houses by a small network, checked by folds."""
import numpy as np
from keras import layers, models

rng = np.random.RandomState(0)
train_data = rng.rand(24, 5) * 10
train_targets = train_data.sum(axis=1) / 5 + rng.normal(0, 0.1, 24)
mean = train_data.mean(axis=0)
train_data -= mean
std = train_data.std(axis=0)
train_data /= std


def build_model():
    model = models.Sequential()
    model.add(layers.Dense(8, activation='relu', input_shape=(train_data.shape[1],)))
    model.add(layers.Dense(8, activation='relu'))
    model.add(layers.Dense(1))
    start = np.random.RandomState(1)
    model.set_weights([start.uniform(-0.5, 0.5, w.shape) for w in model.get_weights()])
    model.compile(optimizer='rmsprop', loss='mse', metrics=['mae'])
    return model


k = 3
num_val_samples = len(train_data) // k
all_scores = []
for i in range(k):
    val_data = train_data[i * num_val_samples: (i + 1) * num_val_samples]
    val_targets = train_targets[i * num_val_samples: (i + 1) * num_val_samples]
    partial_train_data = np.concatenate([train_data[:i * num_val_samples], train_data[(i + 1) * num_val_samples:]], axis=0)
    partial_train_targets = np.concatenate(
        [train_targets[:i * num_val_samples], train_targets[(i + 1) * num_val_samples:]], axis=0)
    model = build_model()
    history = model.fit(partial_train_data, partial_train_targets, epochs=3, batch_size=4, verbose=0, shuffle=False,
                        validation_data=(val_data, val_targets))
    val_mse, val_mae = model.evaluate(val_data, val_targets, verbose=0)
    all_scores += [val_mae, history.history['val_mae'][0]]
print('values:', *all_scores, np.mean(all_scores))
