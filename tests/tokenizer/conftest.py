"""A hand-written corpus, vocabularies, and folders like those of ``macbert corpus build``."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from corpus.manifest import write_manifest
from tokenizer import ChineseTokenizer, TrainTokenizerConfig, Vocabulary, train_tokenizer

PEOPLE = ["小明", "老师", "医生", "司机", "工人", "邻居"]
PLACES = ["北京", "上海", "广州", "杭州", "成都", "武汉"]
THINGS = ["苹果", "香蕉", "西瓜", "葡萄", "面包", "牛奶"]
TIMES = ["早上", "中午", "晚上", "昨天", "今天", "周末"]
FORMS = [
    "{time}，{person}在{place}买了很多{thing}。",
    "{person}说：“{place}的{thing}真好吃！”",
    "{time}从{place}回来的{person}带了{thing}，大家都很高兴……",
    "你知道{person}为什么喜欢{thing}吗？因为{place}的{thing}便宜；{time}还打折。",
    "iPhone 15 和 T恤在{place}卖{time}的价格，3.14 元起（详见 https://example.com/a?b=1）。",
]


def write_sentences(count: int, seed: int) -> list[str]:
    """Return documents of one to five templated sentences."""
    rng = random.Random(seed)

    def sentence() -> str:
        lists = {"time": TIMES, "person": PEOPLE, "place": PLACES, "thing": THINGS}
        return rng.choice(FORMS).format(**{name: rng.choice(words) for name, words in lists.items()})

    return ["".join(sentence() for _ in range(rng.randint(1, 5))) for _ in range(count)]


@pytest.fixture(scope="session")
def write_corpus() -> Callable[..., Path]:
    """A function that writes a corpus folder of texts by source, some documents a shard."""

    def write(folder: Path, texts: dict[str, list[str]], per_shard: int = 50) -> Path:
        folder.mkdir(parents=True)
        documents = [
            (f"{source}:{number}", text, source, "{}") for source in texts for number, text in enumerate(texts[source])
        ]
        for start in range(0, len(documents), per_shard):
            columns = list(zip(*documents[start : start + per_shard], strict=True))
            table = pa.table(dict(zip(("id", "text", "source", "meta"), map(list, columns), strict=True)))
            pq.write_table(table, folder / f"part-{start // per_shard:05d}.parquet")
        write_manifest(folder, "corpus", config={}, inputs={})
        return folder

    return write


@pytest.fixture(scope="session")
def corpus_folder(write_corpus: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 documents of two sources in six shards."""
    texts = {"news": write_sentences(150, seed=1), "reviews": write_sentences(150, seed=2)}
    return write_corpus(tmp_path_factory.mktemp("data") / "corpus", texts)


@pytest.fixture(scope="session")
def tokenizer_folder(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer trained on the corpus."""
    output = tmp_path_factory.mktemp("trained") / "tokenizer"
    train_tokenizer(TrainTokenizerConfig(input=str(corpus_folder), output=str(output), vocab_size=400, unused=3))
    return output


@pytest.fixture(scope="session")
def tokenizer(tokenizer_folder: Path) -> ChineseTokenizer:
    return ChineseTokenizer.from_pretrained(tokenizer_folder)


@pytest.fixture(scope="session")
def official_vocabulary(shared_data: Path) -> Vocabulary:
    """Google's 21,128 tokens."""
    packed = (shared_data / "lex" / "bert_chinese_vocab.txt.zst").read_bytes()
    text = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)).read().decode()
    return Vocabulary(text.removesuffix("\n").split("\n"))
