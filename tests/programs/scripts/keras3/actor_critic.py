"""An actor and a critic that share a layer learn a small game from discounted rewards."""
import numpy as np
import tensorflow as tf

import keras
from keras import layers, ops

gamma, eps = 0.95, np.finfo(np.float32).eps.item()
rng = np.random.RandomState(15)
inputs = layers.Input(shape=(4,))
common = layers.Dense(8, activation="relu")(inputs)
action = layers.Dense(2, activation="softmax")(common)
critic = layers.Dense(1)(common)
model = keras.Model(inputs=inputs, outputs=[action, critic])
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
optimizer = keras.optimizers.Adam(learning_rate=0.01)
huber_loss = keras.losses.Huber()
results, running_reward = [], 0
for episode in range(3):
    state, episode_reward = rng.rand(4), 0
    action_probs_history, critic_value_history, rewards_history = [], [], []
    with tf.GradientTape() as tape:
        for timestep in range(4):
            action_probs, critic_value = model(ops.expand_dims(ops.convert_to_tensor(state), 0))
            critic_value_history.append(critic_value[0, 0])
            chosen = int(np.argmax(np.squeeze(action_probs)))
            action_probs_history.append(ops.log(action_probs[0, chosen]))
            state, reward = rng.rand(4), float(chosen == timestep % 2)
            rewards_history.append(reward)
            episode_reward += reward
        running_reward = 0.05 * episode_reward + (1 - 0.05) * running_reward
        returns, discounted_sum = [], 0
        for r in rewards_history[::-1]:
            discounted_sum = r + gamma * discounted_sum
            returns.insert(0, discounted_sum)
        returns = (np.array(returns) - np.mean(returns)) / (np.std(returns) + eps)
        actor_losses, critic_losses = [], []
        for log_prob, value, ret in zip(action_probs_history, critic_value_history, returns.tolist()):
            actor_losses.append(-log_prob * (ret - value))
            critic_losses.append(huber_loss(ops.expand_dims(value, 0), ops.expand_dims(ret, 0)))
        loss_value = sum(actor_losses) + sum(critic_losses)
    grads = tape.gradient(loss_value, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
    results += [float(loss_value), running_reward]
print("values:", *results)
