"""What all tests share. This folder is on the path, so that a test can say `from check_layer import check_layer`."""
import os

os.environ.setdefault("KGRAPH_CHECK", "1")  # verify programs after every pass
