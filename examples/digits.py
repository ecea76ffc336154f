"""Learn to read scanned digits. The job itself is kgraph/demo.py, so that `python -m kgraph demo` runs it too."""
from kgraph import demo

if __name__ == "__main__":
    demo.main()
