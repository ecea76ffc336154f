'''Two branches joined: Merge of models, and merge of tensors in the functional way of 2016.'''
import numpy as np
from keras.layers import Dense, Input, Merge, merge
from keras.models import Model, Sequential
from keras.regularizers import activity_l2, l1l2

rng = np.random.RandomState(2)
Xa, Xb, y = rng.rand(16, 4), rng.rand(16, 3), rng.rand(16, 1)
left = Sequential()
left.add(Dense(5, input_dim=4, activation='tanh'))
right = Sequential()
right.add(Dense(5, input_dim=3, activation='tanh', activity_regularizer=activity_l2(0.01)))
model = Sequential()
model.add(Merge([left, right], mode='concat', concat_axis=1))
model.add(Dense(1, W_regularizer=l1l2(l1=0.001, l2=0.002)))
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile('sgd', 'mse')
first = model.fit([Xa, Xb], y, nb_epoch=3, batch_size=8, shuffle=False, verbose=0).history['loss']
a, b = Input(shape=(4,)), Input(shape=(3,))
h1, h2 = Dense(5, activation='sigmoid')(a), Dense(5, activation='relu')(b)
total = merge([h1, h2], mode='sum')
cosine = merge([h1, h2], mode='dot', dot_axes=1)
joined = merge([total, cosine], mode='concat')
net = Model(input=[a, b], output=Dense(1)(joined))
net.set_weights([rng.normal(0, 0.4, w.shape) for w in net.get_weights()])
net.compile(optimizer='sgd', loss='mae')
second = net.fit([Xa, Xb], y, nb_epoch=3, batch_size=8, shuffle=False, verbose=0).history['loss']
print('values:', *(first + second))
