"""Writes data/torch_*: small models as PyTorch exports them, both of its ways, with what they give there.

    python make_torch_models.py        # needs torch, onnx and onnxscript
"""
import pathlib

import numpy as np
import onnx
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "data"


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, x):
        return torch.relu(x + self.second(nn.functional.hardswish(self.norm(self.first(x)))))


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                                      nn.MaxPool2d(2, ceil_mode=True), Residual(8), nn.Conv2d(8, 16, 1), nn.SiLU())
        self.pool, self.drop, self.out = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.5), nn.Linear(16, 5)

    def forward(self, x):
        return self.out(self.drop(self.pool(self.features(x)).flatten(1)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.places = nn.Embedding(20, 16), nn.Parameter(torch.randn(1, 32, 16) * 0.1)
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True, activation="gelu")
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.out = nn.LayerNorm(16), nn.Linear(16, 3)

    def forward(self, tokens):
        x = self.embedding(tokens) * 4.0 + self.places[:, :tokens.shape[1]]
        return self.out(self.norm(self.layers(x)).mean(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 6, 2, batch_first=True, bidirectional=True)
        self.gru, self.out = nn.GRU(12, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x):
        y, (states, _) = self.lstm(x)
        return self.out(self.gru(y)[0][:, -1]), states


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.norm, self.up = nn.GroupNorm(2, 8), nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.out = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, x):
        a = torch.relu(self.down(x))
        b = torch.relu(self.norm(self.deep(nn.functional.max_pool2d(a, 2))))
        smooth = nn.functional.interpolate(b[:, :4], scale_factor=2, mode="bilinear", align_corners=False)
        plain = nn.functional.interpolate(b[:, :4], size=x.shape[2:], mode="nearest")
        return torch.sigmoid(self.out(torch.cat([a + smooth * plain, self.up(b)], 1)))


def export(name, net, x, axes, sizes):
    net.eval()
    with torch.no_grad():
        y = net(x)
    outputs = {f"y{i}": v.numpy() for i, v in enumerate(y if isinstance(y, tuple) else (y,))}
    np.savez(FOLDER / f"torch_{name}.npz", x=x.numpy(), **outputs)
    names = {"input_names": ["x"], "output_names": list(outputs)}
    script, dynamo = (FOLDER / f"torch_{name}_{way}.onnx" for way in ("script", "dynamo"))
    torch.onnx.export(net, (x,), script, dynamo=False, opset_version=17, dynamic_axes={"x": axes}, **names)
    torch.onnx.export(net, (x,), dynamo, dynamo=True, external_data=False, dynamic_shapes=(sizes,), **names)
    for path in (script, dynamo):
        bare(path)


def bare(path):
    """Without what only tells where each node comes from."""
    proto = onnx.load(path)
    graph = proto.graph
    for x in (*graph.node, *graph.input, *graph.output, *graph.initializer, graph):
        del x.metadata_props[:]
        x.doc_string = ""
    del graph.value_info[:], proto.metadata_props[:]
    onnx.save(proto, path)


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    normal = lambda *shape: torch.tensor(rng.normal(size=shape).astype("float32"))
    batch, length = torch.export.Dim("batch", min=2, max=512), torch.export.Dim("length", min=2, max=32)
    free = torch.export.Dim.DYNAMIC
    pictures = {0: "batch", 2: "height", 3: "width"}, {0: batch, 2: free, 3: free}
    rows = {0: "batch", 1: "length"}, {0: batch, 1: length}
    convnet, picture = ConvNet(), normal(2, 3, 18, 18)
    for _ in range(3):
        convnet(normal(4, 3, 18, 18))
    export("convnet", convnet, picture, *pictures)
    export("encoder", Encoder(), torch.tensor(rng.integers(0, 20, (3, 7))), *rows)
    export("recurrent", Recurrent(), normal(3, 9, 4), *rows)
    export("unet", UNet(), normal(2, 1, 16, 12), *pictures)


if __name__ == "__main__":
    main()
