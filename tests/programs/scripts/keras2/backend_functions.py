"""Looking inside through the backend: functions of layers, values set and got, learning phase, layers by index."""
import numpy as np
from keras import backend as K
from keras.layers import BatchNormalization, Dense, Dropout, GaussianNoise
from keras.models import Sequential, clone_model

rng = np.random.RandomState(26)
model = Sequential([Dense(5, input_dim=3, activation='relu', name='first'), BatchNormalization(), GaussianNoise(0.0),
                    Dropout(0.0), Dense(2, activation='softmax', name='last')])
model.set_weights([rng.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
model.compile(optimizer='adadelta', loss='kullback_leibler_divergence', metrics=['mse', 'cosine_similarity'])
K.set_value(model.optimizer.learning_rate, 0.5)
x, y = rng.rand(12, 3).astype('float32'), np.eye(2)[np.arange(12) % 2]
history = model.fit(x, y, epochs=4, batch_size=6, shuffle=False, verbose=0).history
get_output = K.function([model.layers[0].input], [model.get_layer('first').output, model.layers[-1].output])
hidden, probabilities = get_output([x])
copy = clone_model(model)
copy.set_weights(model.get_weights())
difference = np.abs(copy.predict(x, verbose=0) - probabilities).max()
numbers = K.eval(K.sum(K.square(K.constant(hidden)), axis=-1))
print(K.int_shape(model.output), K.count_params(model.layers[0].kernel), model.count_params())
print('values:', *history['loss'], *history['mse'], history['cosine_similarity'][-1], difference, *numbers[:3],
      float(K.get_value(model.optimizer.learning_rate)))
