"""``macbert corpus build``: raw files to a corpus folder."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from corpus.assembly import read_result, write_shard
from corpus.cleaning import SAMPLES, clean_file, is_done
from corpus.config import CorpusConfig
from corpus.counts import Counts, StepCounts
from corpus.dedup.decide import decide
from corpus.dedup.lines import decide_lines
from corpus.dry_run import is_dry_run, planned
from corpus.engine import Engine, make_engine
from corpus.errors import Problem, UserError
from corpus.files import MANIFEST_NAME, atomic_folder, check_output
from corpus.inputs import (
    check_local,
    divided,
    find_inputs,
    fingerprint,
    inputs_sha256,
    setting_fingerprints,
    without_empty,
)
from corpus.manifest import config_hash, read_manifest, verify_manifest, write_manifest
from corpus.planning import build_plan
from corpus.presets import StepSpec, corpus_step, load_steps, stages, with_decontamination
from corpus.readers import InputFile
from corpus.report import CorpusReport, load_report, save_report
from corpus.standard_input import standard_input_as_file
from corpus.steps.pii import redact_text
from corpus.workplace import remove_workplace, workplace

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int | None], None]

_LISTED = 20


def build_corpus(config: CorpusConfig, progress: Progress | None = None) -> CorpusReport:
    """Read, clean and deduplicate the inputs into a new corpus folder.

    The folder holds ``part-*.parquet`` (columns id, text, source, meta as JSON), ``rejected/<reason>/``,
    ``report.json``, ``report.html`` and ``manifest.json``; its bytes depend on the inputs and the steps alone, not on
    the order of the inputs, the workers or the engine. Where the folder is there already, sound, and made of
    the same inputs by the same steps, nothing is done.

    Raises:
        UserError: the inputs or settings are wrong, more than ``max_bad_ratio`` of the records are damaged, or nothing
            is left; nothing is written then.
        OSError: the machine's fault, such as a full disk; nothing is written then.
    """
    if is_dry_run():
        check_local(config.input)
    with standard_input_as_file(config.input, Path(config.output).parent) as paths:
        return _build(dataclasses.replace(config, input=paths), progress or (lambda label, done, total: None))


def _build(config: CorpusConfig, tell: Progress) -> CorpusReport:
    steps = load_steps(config.preset, config.steps)
    if config.evaluation:
        steps = with_decontamination(steps, config.evaluation)
    output = check_output(config.output)
    found = find_inputs(config.input)
    planned(lambda: build_plan(config, steps, without_empty(found), check_quarantine))
    files, empty = fingerprint(found)
    plan = _plan(config, steps, files)
    if (report := _reusable(output, plan)) is not None:
        return report
    pieces = divided((file for file, _ in files), config.txt_unit, config.part_bytes)
    with workplace(output, plan) as work, make_engine(config.engine, config.workers, config.address) as engine:
        every = clean_files(config, steps, pieces, work, engine, tell)
        folders = every[-1]
        _check_not_empty(config, _sum(read_result(folder) for folder in folders))
        first_rows, clusters = decide(
            folders,
            exact=corpus_step(steps, "exact_dedup") is not None,
            near=corpus_step(steps, "near_dedup"),
            memory=config.memory << 20,
            engine=engine,
            tell=tell,
        )
        with atomic_folder(output) as folder:
            near, exact = (corpus_step(steps, name) is not None for name in ("near_dedup", "exact_dedup"))
            # Near deduplication sets aside equal texts first, asked for or not.
            compared = [*["exact_dedup"] * (near or exact), *["near_dedup"] * near]
            report = _assemble(folder, every, pieces, first_rows, compared, engine, tell)
            report = dataclasses.replace(report, clusters=clusters, settings=plan["config"], empty_files=empty)
            _warn_if_not_chinese(report)
            save_report(report, folder)
            write_manifest(
                folder,
                "corpus",
                config=plan["config"],
                inputs={"sha256": inputs_sha256(files), "files": plan["inputs"]},
                rows=report.rows,
                documents=report.kept,
                plan_sha256=config_hash(plan),
            )
    return dataclasses.replace(report, folder=str(output))


def _plan(config: CorpusConfig, steps: list[StepSpec], files: list[tuple[InputFile, str]]) -> dict[str, Any]:
    """Return everything that the output's bytes depend on."""
    names = ("text_key", "id_key", "txt_unit", "max_bad_ratio", "max_record_bytes", "part_bytes", "preset")
    settings = {name: getattr(config, name) for name in names if name != "preset" or config.steps is None}
    settings["preset"] = Path(config.preset).name if config.steps is None else None
    return {
        "config": {**settings, "steps": [{step.name: step.settings} for step in steps]},
        "inputs": [
            {"source": file.source, "format": file.format, "ours": file.ours, "sha256": sha} for file, sha in files
        ],
        "files_of_steps": setting_fingerprints(steps),
    }


def _reusable(output: Path, plan: dict[str, Any]) -> CorpusReport | None:
    if not (output / MANIFEST_NAME).is_file():
        return None
    manifest = read_manifest(output, "corpus")
    if manifest.get("plan_sha256") != config_hash(plan):
        return None
    if problems := verify_manifest(output, "corpus"):
        log.warning("%s is damaged and is made again: %s", output, problems[0])
        return None
    remove_workplace(output)
    log.info("%s is there already, made of the same inputs by the same steps", output)
    return dataclasses.replace(load_report(output), reused=True)


def clean_files(
    config: CorpusConfig,
    steps: list[StepSpec],
    files: list[InputFile],
    work: Path,
    engine: Engine,
    tell: Progress,
) -> list[list[Path]]:
    """Read and clean files into folders of ``work``; those finished before are not read again.

    Returns:
        Each stage's folders, one a file (see :func:`corpus.cleaning.clean_file`); the last hold what the steps left.

    Raises:
        UserError: no record has the text's key, there is none, or too many are damaged.
    """
    options = {name: getattr(config, name) for name in ("text_key", "id_key", "txt_unit", "max_record_bytes")}
    every: list[list[Path]] = []
    cut_by = ""
    runs = stages(steps)
    for stage, (run, lines) in enumerate(runs):
        folders = [work / f"file-{number:05d}.{stage}" for number in range(len(files))]
        specs = [
            {
                "file": dataclasses.asdict(files[number]),
                "name": f"{number:05d}",
                "suffix": f".{stage}" if stage else "",
                "folder": str(folder),
                "previous": str(every[-1][number]) if every else None,
                "cut_by": cut_by,
                "steps": [dataclasses.asdict(step) for step in run],
                "options": options,
                "near": corpus_step(steps, "near_dedup") if lines is None else None,
                "lines": lines.settings if lines is not None else None,
            }
            for number, folder in enumerate(folders)
            if not is_done(folder)
        ]
        label = "clean" if len(runs) == 1 else f"clean {stage + 1}/{len(runs)}"
        tell(label, len(files) - len(specs), len(files))
        for done, _ in enumerate(engine(f"{clean_file.__module__}:{clean_file.__name__}", specs), 1):
            tell(label, len(files) - len(specs) + done, len(files))
        every.append(folders)
        if stage == 0:
            check_quarantine(config, files, [read_result(folder) for folder in folders])
        if lines is not None:
            cut_by = lines.name
            decide_lines(folders, lines.name, lines.settings, config.memory << 20)
    return every


def _sum(results: Iterable[dict[str, Any]]) -> Counts:
    total = Counts()
    for result in results:
        total.add(Counts.from_json(result["counts"]))
    return total


def check_quarantine(config: CorpusConfig, files: list[InputFile], results: list[dict[str, Any]]) -> None:
    """Raise a UserError where a file has no text under the key, or too many records are damaged."""
    counts = _sum(results)
    problems = []
    for path, its in itertools.groupby(zip(files, results, strict=True), key=lambda pair: pair[0].path):
        parts = [result for _, result in its]
        keys = sum((Counter(result["missing_keys"] or {}) for result in parts), Counter())
        its_counts = _sum(parts)
        if keys and its_counts.quarantined["no_text"] == its_counts.read:
            names = [redact_text(key) for key in sorted(keys, key=lambda key: (-keys[key], key))]
            found = f"no record with it; keys found: {', '.join(names)}"
            likely = next((key for key in ("content", "texts", "body", "sentence", "文本") if key in keys), None)
            fix = f"did you mean --text-key {likely}?" if likely else "give --text-key the key that holds the text"
            problems.append(Problem(path, f"a string {config.text_key!r} in each record", found, fix))
    if problems:
        raise UserError(*problems)
    bad = counts.quarantined.total()
    if counts.read == 0:
        found = "no record"
        paths = dict.fromkeys(file.path for file in files)
        raise UserError(*(Problem(path, "documents", found, "check how the file was made") for path in paths))
    if bad > config.max_bad_ratio * counts.read:
        listed = [record for result in results for record in result["quarantine"]][:_LISTED]
        for record in listed:
            where = record["file"] if record["line"] is None else f"{record['file']}:{record['line']}"
            at = "" if record["offset"] is None else f" (byte {record['offset']})"
            fix = "mend the record, or set it aside by raising --max-bad-ratio"
            problems.append(Problem(where, "a document", f"{record['reason']}: {record['detail']}{at}", fix))
        found = f"{bad} of {counts.read}"
        expected = f"at most {config.max_bad_ratio:.2%} damaged records"
        problems.append(Problem("all inputs", expected, found, "mend them, or raise --max-bad-ratio"))
        raise UserError(*problems)


def _check_not_empty(config: CorpusConfig, counts: Counts) -> None:
    if counts.kept == 0:
        reasons = ", ".join(f"{reason} {n}" for reason, n in (counts.dropped + counts.quarantined).most_common())
        fix = "choose another --preset, or loosen its steps"
        found = f"none of {counts.read} ({reasons})"
        raise UserError.at(", ".join(config.input), expected="documents that pass the steps", found=found, fix=fix)


def _assemble(
    folder: Path,
    every: list[list[Path]],
    files: list[InputFile],
    first_rows: list[int],
    compared: list[str],
    engine: Engine,
    tell: Progress,
) -> CorpusReport:
    cleaned = every[-1]
    specs = [
        {
            "folder": str(cleaned[number]),
            "folders": [str(path) for path in cleaned],
            "first_rows": first_rows,
            "name": f"{number:05d}",
            "shard": str(folder / f"part-{number:05d}.parquet"),
            "rejected": str(folder / "rejected"),
        }
        for number in range(len(files))
    ]
    (folder / "rejected").mkdir()
    for stage_folder in itertools.chain.from_iterable(every):
        if (stage_folder / "rejected").is_dir():
            shutil.copytree(stage_folder / "rejected", folder / "rejected", dirs_exist_ok=True)
    results: list[dict[str, Any]] = [{} for _ in files]
    tell("write", 0, len(files))
    for done, (number, result) in enumerate(engine(f"{write_shard.__module__}:{write_shard.__name__}", specs), 1):
        results[number] = result
        tell("write", done, len(files))
    sources: dict[str, Counts] = {}
    for number, file in enumerate(files):
        its = Counts.from_json(read_result(cleaned[number])["counts"])
        _apply(its, results[number], compared)
        sources.setdefault(file.source, Counts()).add(its)
    total = Counts()
    for its in sources.values():
        total.add(its)
    total.balance()
    samples: dict[str, list[dict[str, str]]] = {}
    for result in [*(read_result(path) for path in cleaned), *results]:
        for reason, some in result["samples"].items():
            samples[reason] = [*samples.get(reason, []), *some][:SAMPLES]
    return CorpusReport.of(
        total,
        sources,
        samples=dict(sorted(samples.items())),
        rows={f"part-{number:05d}.parquet": result["kept"] for number, result in enumerate(results)},
        renamed=sum(result["renamed"] for result in results),
    )


def _apply(counts: Counts, result: dict[str, Any], steps: list[str]) -> None:
    """Move the documents that the steps on the whole corpus dropped from kept to dropped."""
    for name in steps:
        reason = name.replace("dedup", "duplicate")
        documents, characters, tokens = result["dropped"].get(reason, (0, 0, 0))
        step = counts.steps.setdefault(name, StepCounts())
        step.documents_in, step.characters_in, step.tokens_in = counts.kept, counts.characters_kept, counts.tokens_kept
        counts.kept -= documents
        counts.characters_kept -= characters
        counts.tokens_kept -= tokens
        if documents:
            counts.dropped[reason] += documents
        step.documents_out, step.characters_out = counts.kept, counts.characters_kept
        step.tokens_out = counts.tokens_kept
    counts.lengths_kept.subtract(result["lengths_dropped"])
    assert (counts.kept, counts.characters_kept) == (result["kept"], result["characters"])
    counts.balance()


def _warn_if_not_chinese(report: CorpusReport) -> None:
    sampled = sum(report.languages.values())
    chinese = report.languages.get("zh", 0) + report.languages.get("yue", 0)
    if 2 * chinese < sampled:
        table = ", ".join(f"{name} {count}" for name, count in report.languages.items())
        log.warning("%.0f %% of the documents kept are Chinese (%s in a sample)", 100 * chinese / sampled, table)
