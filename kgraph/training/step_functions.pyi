# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from typing import Any


class StepFunctions:
    def make_train_function(self, force: bool = False) -> Any: ...
    def make_test_function(self, force: bool = False) -> Any: ...
    def make_predict_function(self, force: bool = False) -> Any: ...
    train_function: Any
    test_function: Any
    predict_function: Any

__all__ = [
    "StepFunctions",
]
