"""This folder is on the path, so that tests of lowering and of passes can say `from corpus import CASES`."""
