"""A small game learned from a memory of moves; the target network follows now and then."""
from collections import deque

import numpy as np
import tensorflow as tf
from tensorflow import keras

rng = np.random.RandomState(11)
n_outputs, batch_size, discount_rate = 2, 8, 0.95


def make():
    model = keras.models.Sequential([keras.layers.Dense(8, activation="elu", input_shape=[4]),
                                     keras.layers.Dense(8, activation="elu"), keras.layers.Dense(n_outputs)])
    return model


model = make()
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
target = keras.models.clone_model(model)
target.set_weights(model.get_weights())
replay_buffer = deque(maxlen=30)
optimizer = keras.optimizers.Nadam(learning_rate=1e-2)
loss_fn = keras.losses.mean_squared_error


def epsilon_greedy_policy(state, epsilon=0):
    if rng.rand() < epsilon:
        return rng.randint(n_outputs)
    return np.argmax(model.predict(state[np.newaxis], verbose=0)[0])


def sample_experiences(batch_size):
    batch = [replay_buffer[index] for index in rng.randint(len(replay_buffer), size=batch_size)]
    return [np.array([experience[field] for experience in batch]) for field in range(5)]


def training_step(batch_size):
    states, actions, rewards, next_states, dones = sample_experiences(batch_size)
    next_q_values = model.predict(next_states, verbose=0)
    best_next_actions = np.argmax(next_q_values, axis=1)
    next_mask = tf.one_hot(best_next_actions, n_outputs).numpy()
    next_best_q_values = (target.predict(next_states, verbose=0) * next_mask).sum(axis=1)
    target_q_values = (rewards + (1 - dones) * discount_rate * next_best_q_values).reshape(-1, 1)
    mask = tf.one_hot(actions, n_outputs)
    with tf.GradientTape() as tape:
        all_q_values = model(states)
        q_values = tf.reduce_sum(all_q_values * mask, axis=1, keepdims=True)
        loss = tf.reduce_mean(loss_fn(target_q_values, q_values))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    return float(loss)


state = rng.uniform(-1, 1, 4)
losses = []
for step in range(20):
    action = epsilon_greedy_policy(state, max(1 - step / 10, 0.1))
    next_state, reward = rng.uniform(-1, 1, 4), float(action == (state.sum() > 0))
    replay_buffer.append((state, action, reward, next_state, step % 7 == 6))
    state = next_state
    if step > 14:
        losses.append(training_step(batch_size))
    if step == 17:
        target.set_weights(model.get_weights())
print("values:", *losses, *model.predict(np.eye(4)[:2], verbose=0).ravel())
