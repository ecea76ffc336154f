"""What Keras 1 called the losses."""
from kgraph import losses

__all__ = [*losses.__all__, *losses.ALIASES]
globals().update({name: getattr(losses, name) for name in __all__})


def __dir__():
    return sorted(__all__)
