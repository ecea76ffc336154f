"""Handwriting with the backend's CTC as a Lambda with four inputs, and its greedy and beam searches."""
import numpy as np
from keras import backend as K
from keras.layers import GRU, Activation, Conv2D, Dense, Input, Lambda, MaxPooling2D, Reshape, add, concatenate
from keras.models import Model
from keras.optimizers import SGD


def ctc_lambda_func(args):
    y_pred, labels, input_length, label_length = args
    y_pred = y_pred[:, 1:, :]
    return K.ctc_batch_cost(labels, y_pred, input_length, label_length)


rng = np.random.RandomState(27)
input_data = Input(name='the_input', shape=(16, 8, 1), dtype='float32')
inner = Conv2D(3, (3, 3), padding='same', activation='relu', name='conv1')(input_data)
inner = MaxPooling2D(pool_size=(2, 2), name='max1')(inner)
inner = Reshape(target_shape=(8, 12), name='reshape')(inner)
inner = Dense(6, activation='relu', name='dense1')(inner)
gru_1 = GRU(5, return_sequences=True, name='gru1')(inner)
gru_1b = GRU(5, return_sequences=True, go_backwards=True, name='gru1_b')(inner)
gru1_merged = add([gru_1, gru_1b])
inner = Dense(6, name='dense2')(concatenate([gru1_merged, gru_1]))
y_pred = Activation('softmax', name='softmax')(inner)
labels = Input(name='the_labels', shape=[3], dtype='float32')
input_length = Input(name='input_length', shape=[1], dtype='int64')
label_length = Input(name='label_length', shape=[1], dtype='int64')
loss_out = Lambda(ctc_lambda_func, output_shape=(1,), name='ctc')([y_pred, labels, input_length, label_length])
model = Model(inputs=[input_data, labels, input_length, label_length], outputs=loss_out)
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile(loss={'ctc': lambda y_true, y_pred: y_pred}, optimizer=SGD(learning_rate=0.02, momentum=0.9, nesterov=True))
inputs = {'the_input': rng.rand(6, 16, 8, 1), 'the_labels': rng.randint(0, 5, (6, 3)), 'input_length': np.full((6, 1), 7),
          'label_length': np.array([[3], [2], [3], [1], [3], [2]])}
outputs = {'ctc': np.zeros([6])}
history = model.fit(inputs, outputs, batch_size=3, epochs=4, shuffle=False, verbose=0).history
probabilities = Model(input_data, y_pred).predict(inputs['the_input'], verbose=0)
best, score = K.ctc_decode(probabilities, np.full(6, 8), greedy=True)
beam, beam_score = K.ctc_decode(probabilities, np.full(6, 8), greedy=False, beam_width=4, top_paths=1)
print('values:', *history['loss'], *K.get_value(score).ravel()[:3], K.get_value(best[0]).sum(), *K.get_value(beam_score).ravel()[:3])
