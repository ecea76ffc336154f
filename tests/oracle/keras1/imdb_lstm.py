import numpy as np
from keras.callbacks import LearningRateScheduler, ModelCheckpoint
from keras.layers import Conv1D, Dense, Embedding, GlobalMaxPooling1D, MaxPooling1D
from keras.models import Sequential
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
texts = ['a fine film', 'dull and slow and dull', 'fine actors , a film to love', 'slow', 'what a dull film',
         'love it', 'fine and slow', 'a dull plot , a fine end']
tokenizer = Tokenizer(12)
tokenizer.fit_on_texts(texts)
x = pad_sequences(tokenizer.texts_to_sequences(texts), 6)
y = np.array([1, 0, 1, 0, 0, 1, 1, 0])
rng = np.random.RandomState(5)
model = Sequential([Embedding(12, 4, input_length=6), Conv1D(5, 3, activation='relu'), MaxPooling1D(2),
                    GlobalMaxPooling1D(), Dense(1, activation='sigmoid')])
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile('sgd', 'binary_crossentropy', metrics=['acc'])
calls = [LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), ModelCheckpoint('/tmp/best.hdf5', 'val_acc', save_best_only=True)]
h = model.fit(x, y, batch_size=4, epochs=4, shuffle=False, verbose=0, validation_data=(x, y), callbacks=calls).history
model.load_weights('/tmp/best.hdf5')
print('values:', *(h['loss'] + h['val_loss'] + [x.sum(), model.predict(x, verbose=0).sum()]))
