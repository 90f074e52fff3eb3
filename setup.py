"""Metadata of the distribution; why each dependency is here, and its range, is told in docs/dependencies.md."""

from pathlib import Path

from setuptools import find_packages, setup

EXTRAS = {
    "corpus": ["opencc>=1.1.9,<2"],
    "ray": ["ray>=2.49,<3"],
    "modelscope": ["modelscope>=1.20,<2"],
    "chatie": ["openai>=2,<3"],
    "deepspeed": ["deepspeed>=0.19,<0.20"],
    "demo": ["snownlp>=0.12.3,<0.13"],
    "export": ["onnx>=1.19,<2", "onnxruntime>=1.23,<2"],
    "serve": ["fastapi>=0.120,<1", "uvicorn>=0.38,<1"],
    "studio": ["fastapi>=0.120,<1", "gradio>=6.31,<7", "uvicorn>=0.38,<1"],
    "test": [
        "fastapi>=0.120,<1",
        "gradio>=6.31,<7",
        "hypothesis>=6.100,<7",
        "jieba>=0.42.1,<0.43",
        "onnx>=1.19,<2",
        "onnxruntime>=1.23,<2",
        "openai>=2,<3",
        "opencc>=1.1.9,<2",
        "playwright>=1.65,<2",
        "pytest>=8.2,<10",
        "pytest-timeout>=2.3.1,<3",
        "ray>=2.49,<3",
        "scikit-learn>=1.5,<2",
        "seqeval>=1.2.2,<2",
        "uvicorn>=0.38,<1",
    ],
    "docs": ["ipykernel>=7,<8", "nbclient>=0.10,<0.12", "nbformat>=5.10,<6", "zensical>=0.0.73,<0.1"],
    "dev": [
        "build>=1.2,<2",
        "mypy>=1.14,<3",
        "pre-commit>=4,<5",
        "ruff>=0.15,<0.18",
        "setuptools>=77",
        "twine>=6.1,<8",
        "types-PyYAML>=6",
    ],
}

# The floors are named: a bare setup() refuses several top-level packages; "corpus*" would catch a user's corpus_raw/
FLOORS = ["corpus", "tokenizer", "macbert"]

# People find the recipes at the top of the checkout; an installed package finds the same files inside itself.
RECIPES = {f"macbert.recipes.{path.name}": f"recipes/{path.name}" for path in sorted(Path("recipes").glob("[a-z]*/"))}

setup(
    name="macbert-zh",
    version="0.1.0",
    description="Raw Chinese text to a pretrained MacBERT-style encoder, and on to classifiers and extractors",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Natural Language :: Chinese (Simplified)",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Text Processing :: Linguistic",
        "Typing :: Typed",
    ],
    keywords="Chinese MacBERT BERT pretraining whole-word-masking corpus tokenizer NER",
    packages=[*find_packages(include=[*FLOORS, *(f"{floor}.*" for floor in FLOORS)]), *RECIPES],
    package_dir=RECIPES,
    package_data={"": ["*.md", "*.yaml"], **{floor: ["py.typed"] for floor in FLOORS}},
    include_package_data=False,
    install_requires=[
        "accelerate>=1.10,<2",
        "datasets>=4.4,<6",
        "gensim>=4.4,<5",
        "huggingface-hub>=1.3,<3",
        "jieba>=0.42.1,<0.43",
        "matplotlib>=3.9,<4",
        "llvmlite>=0.44,<0.53",
        "numba>=0.61,<0.70",
        "numpy>=2.0,<3",
        "packaging>=24,<27",
        "pyarrow>=21,<27",
        "pydantic>=2.10,<3",
        "pyyaml>=6.0.2,<7",
        "rich>=13.9,<16",
        "rjieba>=0.2.2,<0.3",
        "safetensors>=0.5,<1",
        "scipy>=1.14,<2",
        "shtab>=1.7,<2",
        "tensorboard>=2.18,<3",
        "tokenizers>=0.22.1,<0.24",
        "torch>=2.10,<3",
        "transformers>=5.3,<6",
        "zstandard>=0.23,<1",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["macbert=macbert.cli:main"]},
)
