"""What happens to a model, stage by stage: graph, picture, program before and after the passes, kernels, time."""
import numpy as np

import kgraph
from kgraph import layers


def show(title, text):
    print(f"\n--- {title}\n{text}")


def main():
    inputs = kgraph.Input((64,), name="inputs")
    h = layers.Dense(32, activation="relu", name="hidden")(inputs)
    model = kgraph.Model(inputs, layers.Dense(4, activation="softmax", name="kind")(h), name="small")
    model.compile("sgd", "sparse_categorical_crossentropy")

    graph = kgraph.inspect.to_networkx(model)
    show("the graph of layers, as networkx has it", "\n".join(f"{a} -> {b}" for a, b in graph.edges))
    kgraph.inspect.plot_model(model, "looking_inside.svg", show_shapes=True)
    print("(drawn in looking_inside.svg)")

    x, y = np.ones((16, 64), "float32"), np.zeros(16, "int32")
    show("predict, as it was traced: f32 is float32, B the batch size",
         kgraph.inspect.program(model, "predict", after=False, x=x))
    show("predict after the passes: one fused op is one kernel", kgraph.inspect.program(model, "predict", x=x))

    model.train_on_batch(x, y)
    kernels = kgraph.inspect.kernels(model, "train")
    show("kernels of a training step: forward, loss, backward and update",
         "\n".join(f"{k.name:20} {k.flops!s:>10} FLOP  {', '.join(k.layers)}" for k in kernels))
    update = next(k for k in kernels if k.layers == ("sgd",))
    show("the loop nest of the update", update.nest)
    show("and its source, printed from it", update.source)
    show("where the time of a training step goes", kgraph.profile(model, x, y))
    records = kgraph.inspect.compiles()
    show("machine code of this process",
         f"{len(records)} functions, {sum(r.how == 'loaded' for r in records)} of them from the cache, "
         f"{sum(r.seconds for r in records):.2f} s")


if __name__ == "__main__":
    main()
