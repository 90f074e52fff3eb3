"""Arrow arrays made from memory are those that pyarrow makes, and nothing imports pandas for them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa

from corpus.arrow_memory import booleans, lists, numbers, strings, values


def test_arrays_equal_those_of_pyarrow() -> None:
    texts = ["使用语言模型", "", "naïve 𠮷"]
    assert strings(texts).equals(pa.array(texts, pa.string()))
    assert strings([]).equals(pa.array([], pa.string()))
    mask = np.array([True, False, True, True, False, False, True, True, True])
    assert booleans(mask).equals(pa.array(mask.tolist()))
    items = values(pa.uint16(), np.array([7, 8, 9], np.uint16), 3)
    assert lists(np.array([0, 2, 2, 3], np.int32), items).equals(pa.array([[7, 8], [], [9]], pa.list_(pa.uint16())))


def test_numbers_are_read_where_they_lie() -> None:
    array = pa.array([1, 2, 3, 4], pa.int32())
    assert numbers(array.slice(1, 2)).tolist() == [2, 3]
    assert numbers(array.slice(4)).tolist() == []


def test_pandas_is_not_imported() -> None:
    code = "import sys; from corpus.arrow_memory import strings; strings(['语']); assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
