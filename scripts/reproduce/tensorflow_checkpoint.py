"""A small checkpoint that TensorFlow writes, for ``tests/exporting/test_tf_models.py``; and one of ours, read by it.

pip install tensorflow-cpu      # in an environment of its own: the project never needs it
python scripts/reproduce/tensorflow_checkpoint.py --output tests/exporting/tensorflow_checkpoint.json
python scripts/reproduce/tensorflow_checkpoint.py --read runs/tf/bert_model.ckpt
"""

from __future__ import annotations

import argparse
import base64
import json
import tempfile
import zlib
from pathlib import Path

import numpy as np

PREFIX = "chinese_small.ckpt"
SHAPES = {
    "bert/embeddings/word_embeddings": (40, 8),
    "bert/embeddings/LayerNorm/gamma": (8,),
    "bert/encoder/layer_0/attention/self/query/kernel": (8, 8),
    "bert/encoder/layer_0/attention/self/query/kernel/adam_m": (8, 8),
    "bert/encoder/layer_10/intermediate/dense/kernel": (8, 16),
    "cls/predictions/output_bias": (40,),
    "cls/seq_relationship/output_weights": (2, 8),
}


def write(path: Path) -> None:
    """Save random variables as TensorFlow 1 programs do, and keep the files with what they hold."""
    import tensorflow as tf

    v1 = tf.compat.v1
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default(), v1.Session() as session:
        values = {name: random.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}
        for name, value in values.items():
            v1.get_variable(name, initializer=value)
        v1.train.get_or_create_global_step()
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(Path(folder, PREFIX)), write_meta_graph=False)
        files = [file for file in sorted(Path(folder).iterdir()) if file.name.startswith(PREFIX)]
        packed = {file.name: base64.b64encode(zlib.compress(file.read_bytes(), 9)).decode() for file in files}
    values["global_step"] = np.array(0)
    told = {
        name: [list(value.shape), float(value.flat[0]), float(value.astype(np.float64).sum())]
        for name, value in values.items()
    }
    record = {"tensorflow": tf.__version__, "prefix": PREFIX, "files": packed, "variables": told}
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read(prefix: str) -> None:
    """Print every variable of a checkpoint as TensorFlow reads it, CRCs checked by it."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(prefix)
    for name, shape in sorted(reader.get_variable_to_shape_map().items()):
        print(name, shape, float(reader.get_tensor(name).astype(np.float64).sum()))


def main() -> None:
    """Write or read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--read")
    arguments = parser.parse_args()
    if arguments.output:
        write(arguments.output)
    if arguments.read:
        read(arguments.read)


if __name__ == "__main__":
    main()
