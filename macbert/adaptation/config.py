"""What a report on adaptation is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.errors import Problem, UserError


@dataclass(kw_only=True)
class AdaptReportConfig:
    """Two encoders of one vocabulary, held-out text of the domain and of elsewhere, and a labelled task."""

    before: str
    """Folder or hub name of the encoder before adaptation."""

    after: str
    """Folder or hub name of the encoder after it."""

    task: str
    """YAML file of a task: the settings of macbert finetune (task, train, dev, num_train_epochs ...) without model,
    output and seeds."""

    output: str
    """Folder for report.json and the fine-tuned models, before/ and after/."""

    test: str | None = None
    """Labelled texts that the fine-tuned models are scored on; default: the task's dev, by which each was chosen."""

    domain: list[str] = field(default_factory=list)
    """Folders of encoded documents of the domain; their held-out documents are scored."""

    general: list[str] = field(default_factory=list)
    """The same of general text, to see what was forgotten."""

    seeds: int = 3
    """Fine-tunings of each encoder, with the same seeds."""

    eval_rows: int = 1024
    """At most this many held-out rows of a corpus; the same rows and masks for both encoders."""

    max_length: int = 128
    """Tokens of a held-out row."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            UserError: with all that is wrong.
        """
        rules = {"seeds": 1, "eval_rows": 1, "max_length": 8}
        problems = [
            Problem(f"--{name.replace('_', '-')}", f"at least {least}", str(getattr(self, name)), "mend the value")
            for name, least in rules.items()
            if getattr(self, name) < least
        ]
        if problems:
            raise UserError(*problems)
