"""Letters to letters: an LSTM reads, its states begin another that writes; then both run step by step."""
import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Model

latent_dim, num_encoder_tokens, num_decoder_tokens = 6, 5, 7
rng = np.random.RandomState(5)
encoder_input_data = np.eye(num_encoder_tokens)[rng.randint(0, 5, (10, 4))]
decoder_input_data = np.eye(num_decoder_tokens)[rng.randint(0, 7, (10, 5))]
decoder_target_data = np.concatenate([decoder_input_data[:, 1:], decoder_input_data[:, :1]], axis=1)
encoder_inputs = Input(shape=(None, num_encoder_tokens))
encoder = LSTM(latent_dim, return_state=True)
encoder_outputs, state_h, state_c = encoder(encoder_inputs)
encoder_states = [state_h, state_c]
decoder_inputs = Input(shape=(None, num_decoder_tokens))
decoder_lstm = LSTM(latent_dim, return_sequences=True, return_state=True)
decoder_outputs, _, _ = decoder_lstm(decoder_inputs, initial_state=encoder_states)
decoder_dense = Dense(num_decoder_tokens, activation='softmax')
decoder_outputs = decoder_dense(decoder_outputs)
model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
model.compile(optimizer='rmsprop', loss='categorical_crossentropy', metrics=['accuracy'])
history = model.fit([encoder_input_data, decoder_input_data], decoder_target_data, batch_size=4, epochs=3,
                    validation_split=0.2, shuffle=False, verbose=0).history
encoder_model = Model(encoder_inputs, encoder_states)
decoder_state_input_h = Input(shape=(latent_dim,))
decoder_state_input_c = Input(shape=(latent_dim,))
decoder_states_inputs = [decoder_state_input_h, decoder_state_input_c]
decoder_outputs, state_h, state_c = decoder_lstm(decoder_inputs, initial_state=decoder_states_inputs)
decoder_model = Model([decoder_inputs] + decoder_states_inputs, [decoder_dense(decoder_outputs)] + [state_h, state_c])
states_value = encoder_model.predict(encoder_input_data[:1], verbose=0)
target_seq, written, sure = np.zeros((1, 1, num_decoder_tokens)), [], []
target_seq[0, 0, 0] = 1.
for _ in range(4):
    output_tokens, h, c = decoder_model.predict([target_seq] + states_value, verbose=0)
    written.append(np.argmax(output_tokens[0, -1, :]))
    sure.append(output_tokens[0, -1, :].max())
    target_seq = np.zeros((1, 1, num_decoder_tokens))
    target_seq[0, 0, written[-1]] = 1.
    states_value = [h, c]
print('values:', *history['loss'], *history['val_loss'], *written, *sure)
