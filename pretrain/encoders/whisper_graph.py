"""The encoder of Whisper as an ONNX graph: two convolutions and the first transformer layers.

Weights are stored in half precision and cast to single, which ONNX Runtime does once, when the file is
loaded. The same weights always give the same bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from stimmung.plugins.extract.whisper_encoder import POSITIONS

from .whisper_weights import EncoderWeights

OPSET, IR_VERSION = 20, 10  # the first with Gelu, and the first that goes with it
EPSILON = 1e-5

Array = npt.NDArray[Any]


class Graph:
    """Nodes and constants, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def node(self, kind: str, *inputs: str, to: str, **attributes: Any) -> str:
        """Adds a node with one output, named ``to``."""
        self.nodes.append(helper.make_node(kind, list(inputs), [to], name=to, **attributes))
        return to

    def constant(self, name: str, values: Array) -> str:
        """Adds a constant as it is."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, name: str, values: Array) -> str:
        """Adds a constant in half precision; returns the name of its values in single precision."""
        self.constant(name, values)
        single = f"{name}/single"
        self.nodes.append(helper.make_node("Cast", [name], [single], name=single, to=TensorProto.FLOAT))
        return single


def encoder_graph(weights: EncoderWeights, layers: int, positions: int) -> ModelProto:
    """The graph: ``mel`` (1, bands, frames) and ``pooling`` (1, rows, outputs) → ``row`` (1, rows, width).

    There are ceil(frames / 2) outputs. Each row is a mean of them, weighted by ``pooling``, whose rows sum
    to 1. The last matrix of a transformer layer is linear, so it is applied to the mean: for one row this
    saves a tenth of all products.

    Parameters
    ----------
    weights : EncoderWeights
        With at least ``layers`` transformer layers and ``positions`` positions.
    layers : int
        Transformer layers; the output is that of the last, before any normalisation.
    positions : int
        Outputs at most, one every 20 ms.
    """
    graph = Graph()
    x = _convolutions(graph, weights, positions)
    graph.constant("heads_apart", np.array([0, 0, 3 * weights.heads, weights.width // weights.heads]))
    graph.constant("heads_joined", np.array([0, 0, weights.width]))
    graph.constant("scale", np.float32((weights.width // weights.heads) ** -0.5))
    for layer in range(layers):
        x = _attention(graph, weights, f"layer_{layer}/self_attention", x)
        last = layer == layers - 1
        x = _feed_forward(graph, weights, f"layer_{layer}/ffn", x, "pooling" if last else None)
    graph.node("Identity", x, to="row")
    mel = helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, weights.bands, "frames"])
    pooling = helper.make_tensor_value_info("pooling", TensorProto.FLOAT, [1, "rows", "outputs"])
    row = helper.make_tensor_value_info("row", TensorProto.FLOAT, [1, "rows", weights.width])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "whisper_encoder", [mel, pooling], [row], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="stimmung",
    )
    helper.set_model_props(model, {POSITIONS: str(positions)})
    return model


def _convolutions(graph: Graph, weights: EncoderWeights, positions: int) -> str:
    x = "mel"
    for name, stride in (("conv1", 1), ("conv2", 2)):
        parts = [graph.weight(f"{name}/{part}", weights[f"{name}/{part}"]) for part in ("weight", "bias")]
        x = graph.node("Conv", x, *parts, to=name, pads=[1, 1], strides=[stride])
        x = graph.node("Gelu", x, to=f"{name}/gelu")
    x = graph.node("Transpose", x, to="rows", perm=[0, 2, 1])
    table = graph.weight("positions", weights["positions"][:positions])
    count = graph.node("Shape", x, to="count", start=1, end=2)
    zero = graph.constant("zero", np.array([0]))
    return graph.node("Add", x, graph.node("Slice", table, zero, count, zero, to="places"), to="placed")


def _attention(graph: Graph, weights: EncoderWeights, name: str, x: str) -> str:
    rows = _dense(graph, weights, f"{name}/linear_0", _norm(graph, weights, name, x))
    apart = graph.node("Reshape", rows, "heads_apart", to=f"{name}/apart")
    apart = graph.node("Transpose", apart, to=f"{name}/heads", perm=[0, 2, 1, 3])
    query, key, value = (f"{name}/{part}" for part in ("query", "key", "value"))
    graph.nodes.append(
        helper.make_node("Split", [apart], [query, key, value], name=f"{name}/split", axis=1, num_outputs=3)
    )
    key = graph.node("Transpose", key, to=f"{name}/key_turned", perm=[0, 1, 3, 2])
    query = graph.node("Mul", query, "scale", to=f"{name}/query_scaled")
    share = graph.node("Softmax", graph.node("MatMul", query, key, to=f"{name}/scores"), to=f"{name}/share")
    mixed = graph.node("MatMul", share, value, to=f"{name}/mixed")
    mixed = graph.node("Transpose", mixed, to=f"{name}/mixed_turned", perm=[0, 2, 1, 3])
    mixed = graph.node("Reshape", mixed, "heads_joined", to=f"{name}/joined")
    return graph.node("Add", x, _dense(graph, weights, f"{name}/linear_1", mixed), to=f"{name}/sum")


def _feed_forward(graph: Graph, weights: EncoderWeights, name: str, x: str, pooling: str | None) -> str:
    wide = _dense(graph, weights, f"{name}/linear_0", _norm(graph, weights, name, x))
    wide = graph.node("Gelu", wide, to=f"{name}/gelu")
    if pooling:
        wide = graph.node("MatMul", pooling, wide, to=f"{name}/gelu_pooled")
        x = graph.node("MatMul", pooling, x, to=f"{name}/pooled")
    return graph.node("Add", x, _dense(graph, weights, f"{name}/linear_1", wide), to=f"{name}/sum")


def _norm(graph: Graph, weights: EncoderWeights, name: str, x: str) -> str:
    name = f"{name}/layer_norm"
    parts = [graph.weight(f"{name}/{part}", weights[f"{name}/{part}"]) for part in ("gamma", "beta")]
    return graph.node("LayerNormalization", x, *parts, to=name, axis=-1, epsilon=EPSILON)


def _dense(graph: Graph, weights: EncoderWeights, name: str, x: str) -> str:
    product = graph.node(
        "MatMul", x, graph.weight(f"{name}/weight", weights[f"{name}/weight"].T), to=f"{name}/product"
    )
    return graph.node("Add", product, graph.weight(f"{name}/bias", weights[f"{name}/bias"]), to=name)
