import numpy as np
from keras.layers import Dense, Input, add, concatenate, dot
from keras.models import Model
from keras.regularizers import l1_l2, l2
rng = np.random.RandomState(2)
xa, xb, y = rng.rand(16, 4), rng.rand(16, 3), rng.rand(16, 1)
a, b = Input((4,)), Input((3,))
x = concatenate([Dense(5, activation='tanh')(a), Dense(5, activation='tanh', activity_regularizer=l2(0.01))(b)])
model = Model([a, b], Dense(1, kernel_regularizer=l1_l2(0.001, 0.002))(x))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile('sgd', 'mse')
first = model.fit([xa, xb], y, epochs=3, batch_size=8, shuffle=False, verbose=0).history['loss']
h1, h2 = Dense(5, activation='sigmoid')(a), Dense(5, activation='relu')(b)
net = Model([a, b], Dense(1)(concatenate([add([h1, h2]), dot([h1, h2], 1)])))
net.set_weights([rng.normal(0, 0.4, w.shape) for w in net.get_weights()])
net.compile('sgd', 'mae')
second = net.fit([xa, xb], y, epochs=3, batch_size=8, shuffle=False, verbose=0).history['loss']
print('values:', *(first + second))
