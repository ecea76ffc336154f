"""Age, income and gender from the same post: one network with three heads and weighted losses."""
import numpy as np
from keras import Input, layers
from keras.models import Model

vocabulary_size, num_income_groups = 25, 4
posts_input = Input(shape=(None,), dtype='int32', name='posts')
x = layers.Embedding(vocabulary_size, 6)(posts_input)
x = layers.Conv1D(6, 3, activation='relu')(x)
x = layers.MaxPooling1D(2)(x)
x = layers.Conv1D(6, 3, activation='relu')(x)
x = layers.GlobalMaxPooling1D()(x)
x = layers.Dense(5, activation='relu')(x)
age_prediction = layers.Dense(1, name='age')(x)
income_prediction = layers.Dense(num_income_groups, activation='softmax', name='income')(x)
gender_prediction = layers.Dense(1, activation='sigmoid', name='gender')(x)
model = Model(posts_input, [age_prediction, income_prediction, gender_prediction])
rng = np.random.RandomState(4)
model.set_weights([rng.uniform(-0.2, 0.4, w.shape) for w in model.get_weights()])
model.compile(optimizer='sgd', loss={'age': 'mse', 'income': 'categorical_crossentropy', 'gender': 'binary_crossentropy'},
              loss_weights={'age': 0.25, 'income': 1., 'gender': 10.}, metrics={'gender': 'accuracy'})
posts = rng.randint(1, vocabulary_size, (12, 14))
targets = {'age': rng.rand(12), 'income': np.eye(4)[rng.randint(0, 4, 12)], 'gender': rng.randint(0, 2, 12)}
history = model.fit(posts, targets, epochs=3, batch_size=6, shuffle=False, verbose=0).history
scores = dict(zip(model.metrics_names, model.evaluate(posts, targets, verbose=0)))
print('values:', *history['loss'], *history['age_loss'], scores['income_loss'], scores['gender_loss'],
      scores['gender_accuracy'])
