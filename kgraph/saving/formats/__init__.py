"""The layouts of model files, and what reads and writes them."""
