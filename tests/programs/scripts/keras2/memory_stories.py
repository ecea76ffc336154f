"""Stories and questions: embeddings that meet in a dot product, permuted, answered by an LSTM."""
import numpy as np
from keras.layers import LSTM, Activation, Dense, Dropout, Embedding, Input, Permute, add, concatenate, dot
from keras.models import Sequential, Model

vocab_size, story_maxlen, query_maxlen = 12, 8, 4
rng = np.random.RandomState(24)
input_sequence, question = Input((story_maxlen,)), Input((query_maxlen,))
input_encoder_m = Sequential()
input_encoder_m.add(Embedding(input_dim=vocab_size, output_dim=6))
input_encoder_m.add(Dropout(0.0))
input_encoder_c = Sequential()
input_encoder_c.add(Embedding(input_dim=vocab_size, output_dim=query_maxlen))
question_encoder = Sequential()
question_encoder.add(Embedding(input_dim=vocab_size, output_dim=6, input_length=query_maxlen))
input_encoded_m = input_encoder_m(input_sequence)
input_encoded_c = input_encoder_c(input_sequence)
question_encoded = question_encoder(question)
match = dot([input_encoded_m, question_encoded], axes=(2, 2))
match = Activation('softmax')(match)
response = add([match, input_encoded_c])
response = Permute((2, 1))(response)
answer = concatenate([response, question_encoded])
answer = LSTM(5)(answer)
answer = Dense(vocab_size)(answer)
answer = Activation('softmax')(answer)
model = Model([input_sequence, question], answer)
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(optimizer='sgd', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
stories, queries = rng.randint(0, vocab_size, (12, story_maxlen)), rng.randint(0, vocab_size, (12, query_maxlen))
history = model.fit([stories, queries], rng.randint(0, vocab_size, 12), batch_size=4, epochs=5, shuffle=False, verbose=0)
print('values:', *history.history['loss'], model.predict([stories, queries], verbose=0).max())
