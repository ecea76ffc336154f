# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.

def install_as_keras(version: str | None = None) -> None: ...
def uninstall_as_keras() -> None: ...

__all__ = [
    "install_as_keras",
    "uninstall_as_keras",
]
