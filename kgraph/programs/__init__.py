"""Programs written for Keras, tf.keras and TensorFlow, run as they stand: `kgraph run`, `install_as_keras`."""
from kgraph.programs.aliases import install_as_keras, uninstall_as_keras

__all__ = ["install_as_keras", "uninstall_as_keras"]
