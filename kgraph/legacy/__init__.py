"""What Keras 1, Keras 2 and tf.keras said otherwise: their module paths, words and defaults."""
