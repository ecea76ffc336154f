# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import DataFormat, Float, Int, Padding, Policy, Structure
from kgraph.layers.base import Layer
from numpy.typing import NDArray
from typing import Any


class MelSpectrogram(Layer):
    fft_length: int
    sequence_stride: int
    sequence_length: int | Any
    window: Any
    sampling_rate: int
    num_mel_bins: int
    min_freq: float
    max_freq: float | int | Any
    power_to_db: bool
    top_db: float
    mag_exp: float
    min_power: float
    ref_power: float
    def __init__(self, fft_length: Int = 2048, sequence_stride: Int = 512, sequence_length: Int | None = None, window: Any = 'hann', sampling_rate: Int = 16000, num_mel_bins: Int = 128, min_freq: Float = 20.0, max_freq: Float | None = None, power_to_db: bool = True, top_db: Float = 80.0, mag_exp: Float = 2.0, min_power: Float = 1e-10, ref_power: Float = 1.0, **kwargs: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def linear_to_mel_weight_matrix(self, num_mel_bins: Int = 20, num_spectrogram_bins: Float = 129, sampling_rate: Int = 8000, lower_edge_hertz: Float = 125.0, upper_edge_hertz: Float = 3800.0, dtype: Policy = 'float32') -> NDArray[Any]: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> Any: ...

class STFTSpectrogram(Layer):
    mode: str
    frame_length: int
    frame_step: int | Any
    fft_length: int | Any
    window: Any
    periodic: bool
    scaling: str
    padding: str
    expand_dims: bool
    data_format: str | Any
    def __init__(self, mode: str = 'log', frame_length: Int = 256, frame_step: Int | None = None, fft_length: Int | None = None, window: Any = 'hann', periodic: bool = False, scaling: str = 'density', padding: Padding = 'valid', expand_dims: bool = False, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any = None) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> Any: ...

__all__ = [
    "MelSpectrogram",
    "STFTSpectrogram",
]
