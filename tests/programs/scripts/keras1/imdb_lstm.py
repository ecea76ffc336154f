'''Padded reviews through an embedding and convolutions over words, with callbacks of the day.'''
import numpy as np
from keras.callbacks import EarlyStopping, LearningRateScheduler, ModelCheckpoint
from keras.layers import Activation, Convolution1D, Dense, Embedding, GlobalMaxPooling1D, MaxPooling1D
from keras.models import Sequential
from keras.preprocessing import sequence
from keras.preprocessing.text import Tokenizer

texts = ['a fine film', 'dull and slow and dull', 'fine actors , a film to love', 'slow', 'what a dull film',
         'love it', 'fine and slow', 'a dull plot , a fine end']
tokenizer = Tokenizer(nb_words=12)
tokenizer.fit_on_texts(texts)
X = sequence.pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=6)
y = np.array([1, 0, 1, 0, 0, 1, 1, 0])
rng = np.random.RandomState(5)
model = Sequential()
model.add(Embedding(12, 4, input_length=6))
model.add(Convolution1D(nb_filter=5, filter_length=3, border_mode='valid', activation='relu', subsample_length=1))
model.add(MaxPooling1D(pool_length=2))
model.add(GlobalMaxPooling1D())
model.add(Dense(1))
model.add(Activation('sigmoid'))
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile(loss='binary_crossentropy', optimizer='sgd', metrics=['accuracy'], class_mode='binary')
calls = [LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), ModelCheckpoint('best.hdf5', 'val_acc', save_best_only=True),
         EarlyStopping(monitor='val_acc', patience=9)]
history = model.fit(X, y, batch_size=4, nb_epoch=4, shuffle=False, verbose=0, validation_data=(X, y), callbacks=calls)
model.load_weights('best.hdf5')
print('values:', *(history.history['loss'] + history.history['val_loss'] + [X.sum(), model.predict(X).sum()]))
