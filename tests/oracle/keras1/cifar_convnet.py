import numpy as np
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.optimizers.legacy import RMSprop
from keras.regularizers import l2
rng = np.random.RandomState(1)
x, y = rng.rand(12, 10, 10, 3), np.eye(3)[np.arange(12) % 3]
model = Sequential([Conv2D(4, 3, padding='same', input_shape=(10, 10, 3), kernel_regularizer=l2(0.01), activation='relu'),
                    Conv2D(4, 3, strides=2, use_bias=False, activation='relu'), MaxPooling2D(2), Flatten(),
                    Dense(3, activation='softmax')])
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(loss='categorical_crossentropy', optimizer=RMSprop(epsilon=1e-8), metrics=['acc'])
hist = model.fit(x, y, batch_size=4, epochs=4, shuffle=False, verbose=0)
proba = model.predict(x, verbose=0)
print('values:', *(hist.history['loss'] + hist.history['acc'] + list(proba.argmax(-1)[:4]) + [proba.max()]))
