"""Reviews as vectors of zeros and ones, good or bad; overfitting fought by weights that cost and by stopping early."""
import numpy as np
from tensorflow.keras import callbacks, layers, models, regularizers

rng = np.random.RandomState(1)
sequences = [rng.randint(0, 30, rng.randint(3, 12)) for _ in range(40)]
labels = np.array([int(np.mean(s) > 15) for s in sequences])


def vectorize_sequences(sequences, dimension=30):
    results = np.zeros((len(sequences), dimension))
    for i, sequence in enumerate(sequences):
        results[i, sequence] = 1.
    return results


x = vectorize_sequences(sequences)
y = np.asarray(labels).astype('float32')
model = models.Sequential()
model.add(layers.Dense(6, kernel_regularizer=regularizers.l2(0.001), activation='relu', input_shape=(30,)))
model.add(layers.Dense(6, kernel_regularizer=regularizers.l1_l2(l1=0.001, l2=0.001), activation='relu'))
model.add(layers.Dense(1, activation='sigmoid'))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(optimizer='rmsprop', loss='binary_crossentropy', metrics=['acc'])
stop = callbacks.EarlyStopping(monitor='val_acc', patience=2, restore_best_weights=True)
history = model.fit(x[10:], y[10:], epochs=6, batch_size=10, validation_data=(x[:10], y[:10]), shuffle=False, verbose=0,
                    callbacks=[stop])
history_dict = history.history
print(sorted(history_dict.keys()))
print('values:', *history_dict['loss'], *history_dict['val_acc'], len(history.epoch), *model.evaluate(x, y, verbose=0))
