"""Same or not: two inputs through one network, the distance of what comes out, a loss of one's own by backend functions."""
import numpy as np
from keras import backend as K
from keras.layers import Dense, Dropout, Flatten, Input, Lambda
from keras.models import Model
from keras.optimizers import RMSprop


def euclidean_distance(vects):
    x, y = vects
    sum_square = K.sum(K.square(x - y), axis=1, keepdims=True)
    return K.sqrt(K.maximum(sum_square, K.epsilon()))


def eucl_dist_output_shape(shapes):
    shape1, shape2 = shapes
    return (shape1[0], 1)


def contrastive_loss(y_true, y_pred):
    margin = 1
    square_pred = K.square(y_pred)
    margin_square = K.square(K.maximum(margin - y_pred, 0))
    return K.mean(y_true * square_pred + (1 - y_true) * margin_square)


def accuracy(y_true, y_pred):
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, y_true.dtype)))


input_shape = (4, 4)
inputs = Input(shape=input_shape)
x = Flatten()(inputs)
x = Dense(8, activation='relu')(x)
x = Dropout(0.)(x)
base_network = Model(inputs, Dense(4, activation='relu')(x))
input_a, input_b = Input(shape=input_shape), Input(shape=input_shape)
distance = Lambda(euclidean_distance, output_shape=eucl_dist_output_shape)([base_network(input_a), base_network(input_b)])
model = Model([input_a, input_b], distance)
rng = np.random.RandomState(13)
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile(loss=contrastive_loss, optimizer=RMSprop(), metrics=[accuracy])
pairs, y = rng.rand(12, 2, 4, 4), (np.arange(12) % 2).astype('float32')
history = model.fit([pairs[:, 0], pairs[:, 1]], y, batch_size=6, epochs=4, verbose=0, shuffle=False).history
y_pred = model.predict([pairs[:, 0], pairs[:, 1]], verbose=0)
print('values:', *history['loss'], *history['accuracy'], np.mean((y_pred.ravel() < 0.5) == y), y_pred.sum())
