"""The parts of TensorFlow's top level, and what the rooms share."""
